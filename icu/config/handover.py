"""Settings as a line that a process hands to one that it starts: those it runs with, whatever a file says by now."""

import json

import msgspec

from icu.config.settings import Secret, Settings


def pack(settings: Settings) -> str:
    """The settings in one line. Passwords stand in it: it is for nobody else's eyes."""
    # Not by msgspec's own JSON, which knows no infinity, and `speed` may be that.
    return json.dumps(msgspec.to_builtins(settings, enc_hook=_encode))


def unpack(line: str) -> Settings:
    """The settings that were packed. ValueError for anything else."""
    return msgspec.convert(json.loads(line), Settings, dec_hook=lambda kind, value: kind(value))


def _encode(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)
