"""Settings as one line, from a supervisor to its child processes. They never read a file that may have changed."""

import json

import msgspec

from icu.config.settings import Secret, Settings


def pack(settings: Settings) -> str:
    """Encode settings as one line of JSON. It holds the passwords: pass it on through a pipe, never log it."""
    # By json, since msgspec's own JSON has no infinity, which `speed` may be.
    return json.dumps(msgspec.to_builtins(settings, enc_hook=_encode))


def unpack(line: str) -> Settings:
    """Decode settings of `pack`.

    Raises:
        ValueError: The line is anything else.
    """
    return msgspec.convert(json.loads(line), Settings, dec_hook=lambda kind, value: kind(value))


def _encode(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)
