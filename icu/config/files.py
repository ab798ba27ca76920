"""Reader of supervisor.toml. Each mistake names the file, the line and the key, and says what to write."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from icu import mistakes
from icu.bounds import read_small
from icu.config import syntax
from icu.config.errors import ConfigurationError
from icu.config.wording import explain, quoting_hint, unknown_setting

# Bytes of a file at most. A larger one was named by mistake.
MAX_BYTES: Final = 1_000_000

# Place at the end of msgspec's errors, such as "- at `$.child[2].port`".
_AT: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
# Place at the end of tomllib's errors.
_AT_LINE: Final = re.compile(r"\A(?P<why>.*) \(at line (?P<line>[0-9]+), column [0-9]+\)\Z", re.DOTALL)
_DIGITS: Final = re.compile(r"[0-9_]{1000}")
# One key of a place, with an index for a list of tables.
_STEP: Final = re.compile(r"(?P<key>[A-Za-z_]\w*)(?:\[(?P<index>[0-9]+)\])?")


class File:
    """A parsed configuration file, with the lines of its settings."""

    def __init__(self, path: Path) -> None:
        """Read and parse a file.

        Args:
            path: TOML in UTF-8, of `MAX_BYTES` at most.

        Raises:
            ConfigurationError: The file cannot be read or parsed.
        """
        self.path = path
        self._text = _read(path)
        self.values = _parse(path, self._text)

    def mistake(self, where: str, why: str) -> ConfigurationError:
        """Return the error for a setting.

        Args:
            where: Place of the setting, such as `child[2].port`; empty for the whole file.
            why: Description of the mistake.
        """
        line = _line_of(self._text, where)
        place = f"{self.path}:{line}" if line else str(self.path)
        return ConfigurationError(f"{place}: {where}: {why}" if where else f"{place}: {why}")

    def explain(self, error: msgspec.ValidationError) -> ConfigurationError:
        """Convert an error of msgspec: add file, line and suggestion."""
        message = str(error)
        match = _AT.search(message)
        where = match["path"] if match else ""
        why = message[: match.start()] if match else message
        unknown = mistakes.unknown_field(why)
        if unknown:
            return self.mistake(f"{where}.{unknown}" if where else unknown, unknown_setting(unknown))
        place = re.sub(r"\[[^]]*\]", "", where)  # `child.port` of `child[2].port`
        return self.mistake(where, f"{explain(place, why)}{quoting_hint(place, why)}")


def _read(path: Path) -> str:
    try:
        return read_small(path, most=MAX_BYTES).decode("utf-8")
    except FileNotFoundError as exc:
        raise ConfigurationError(f"there is no file {path}: write one, or leave --config out for the defaults") from exc
    except IsADirectoryError as exc:
        raise ConfigurationError(f"{path} is a folder: name the file in it, for instance supervisor.toml") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path} is not written in UTF-8 (byte {exc.start}): save it as UTF-8") from exc
    except ValueError as exc:
        raise ConfigurationError(f"{path} {exc}: that is no configuration file") from exc
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc.strerror}") from exc


def _parse(path: Path, text: str) -> dict[str, Any]:
    if text.startswith("\ufeff"):
        raise ConfigurationError(f"{path}:1: begins with a byte order mark: save it as UTF-8 without one")
    try:
        # tomllib gives no line number for a mistake at the very end of the text.
        return tomllib.loads(f"{text}\n")
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(_with_place(path, str(exc))) from exc
    except RecursionError as exc:
        raise ConfigurationError(f"{path}:{_deepest_line(text)}: is nested too deeply") from exc
    except ValueError as exc:  # a number of thousands of digits
        line = text[: match.start()].count("\n") + 1 if (match := _DIGITS.search(text)) else 1
        raise ConfigurationError(f"{path}:{line}: is a number of too many digits") from exc


def _deepest_line(text: str) -> int:
    """Return the number of the line that opens the most brackets: the parser gives up without one."""
    opened = [line.count("[") + line.count("{") for line in text.splitlines()]
    return opened.index(max(opened)) + 1


def _with_place(path: Path, why: str) -> str:
    match = _AT_LINE.match(why)
    return f"{path}:{match['line']}: {syntax.explain(match['why'])}" if match else f"{path}: {why}"


def _line_of(text: str, where: str) -> int | None:
    """Return the line number of a key, or else of its table; None if neither is found.

    TOML's parser keeps no positions. This finds the usual form: tables under headers, one key a line.
    """
    steps = [(match["key"], int(match["index"] or 0)) for match in _STEP.finditer(where)]
    lines = list(enumerate(text.splitlines(), start=1))
    found = None
    for position, (key, index) in enumerate(steps):
        header = re.compile(rf"\s*\[\[?\s*{re.escape('.'.join(step for step, _ in steps[: position + 1]))}\s*\]")
        headers = [place for place, (_, line) in enumerate(lines) if header.match(line)]
        if len(headers) > index:
            lines = lines[headers[index] :]
            found = lines[0][0]
        else:
            return next(_assignments(lines, key, top=found is None), found)
    return found


def _assignments(lines: Sequence[tuple[int, str]], key: str, *, top: bool) -> Iterator[int]:
    """Yield the numbers of lines that set the key, up to the next header.

    Args:
        lines: Numbered lines; the first may be the header of the table itself.
        key: Key without its table.
        top: True for keys outside of all tables, which end at the first header.
    """
    for position, (number, line) in enumerate(lines):
        if line.lstrip().startswith("[") and (top or position > 0):
            return
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            yield number
