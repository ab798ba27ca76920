"""Environment variables: the brief's own names, and ICU_<SECTION>_<KEY> for every setting outside the children."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_type_hints

import msgspec

from icu.bounds import parse_number, parse_whole
from icu.config.errors import ConfigurationError
from icu.config.settings import Settings
from icu.config.wording import explain, parts
from icu.mistakes import suggestion

# Paths of settings by the names that the brief gives their variables, and by a short one.
BRIEF: Final[Mapping[str, tuple[str, ...]]] = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "KAFKA_TOPIC": ("transport", "topic"),
    "API_PREFIX": ("api", "prefix"),
    "DEBUG": ("debug",),
    "METRICS_INTERVAL": ("metrics_interval",),
    "DATABASE_URL": ("database", "url"),
    "ICU_KEYS_FILE": ("api", "keys_file"),
}
# Parsers of numbers by type.
_NUMBERS: Final[Mapping[Any, Callable[[str], object]]] = {int: parse_whole, float: parse_number}
# Variables of this program that stand for no setting.
OTHER_VARIABLES: Final = frozenset({"ICU_CONFIG", "ICU_KEY", "ICU_URL"})


def with_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Replace settings by those of the environment. Empty variables are ignored.

    Raises:
        ConfigurationError: A variable holds a wrong value.
    """
    for name, (path, kind) in _variables().items():
        text = environ.get(name)
        if text:
            settings = _replaced(settings, path, _value(name, ".".join(path), text, kind))
    return settings


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Report unknown ICU_ variables, a sentence for each. ICU_TEST_ variables belong to the tests."""
    variables = _variables()
    ours = (name for name in environ if name.startswith("ICU_") and not name.startswith("ICU_TEST_"))
    unknown = sorted(name for name in ours if name not in variables and name not in OTHER_VARIABLES)
    return [
        f"the environment variable {name} means nothing here{suggestion(name, list(variables))}" for name in unknown
    ]


def variables_of(*path: str) -> list[str]:
    """Return the names of the variables for a setting, the one with precedence first.

    Args:
        path: Section and key of the setting.
    """
    return [name for name, (place, _) in reversed(_variables().items()) if place == path]


def _variables() -> dict[str, tuple[tuple[str, ...], Any]]:
    own = {f"ICU_{'_'.join(path).upper()}": (path, kind) for path, kind in _scalars(Settings, ())}
    kinds = dict(own.values())
    # The brief's names come last, so that they win.
    return own | {name: (path, kinds[path]) for name, path in BRIEF.items()}


def _scalars(struct: type, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, kind in get_type_hints(struct, include_extras=True).items():
        if name == "child":
            continue
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _scalars(kind, (*path, name))
        else:
            yield (*path, name), kind


def _value(name: str, place: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - the type of a setting, and a value of it
    sequence = getattr(kind, "__origin__", None) is tuple
    try:
        value = [each.strip() for each in text.split(",")] if sequence else _read(kind)(text.strip())
        return msgspec.convert(value, kind, strict=False, dec_hook=lambda wanted, given: wanted(given))
    except msgspec.ValidationError as exc:
        why = explain(place, re.sub(r" - at `.*`\Z", "", str(exc)))
        # The value is quoted once, and never the password of a URL.
        got = "" if repr(text) in why or "@" in text else f", not {text[:80]!r}"
        raise ConfigurationError(f"environment variable {name}: {why}{got}") from exc
    except ValueError as exc:
        raise ConfigurationError(f"environment variable {name}: {exc}") from exc


def _read(kind: Any) -> Callable[[str], object]:  # noqa: ANN401 - the type of a setting
    """Return the parser of a setting's text. Numbers need one, since msgspec takes 1e3 for a whole number."""
    return next((_NUMBERS[part] for part in parts(kind) if part in _NUMBERS), str)


def _replaced(struct: Any, path: tuple[str, ...], value: object) -> Any:  # noqa: ANN401 - any of the settings' structs
    name, *rest = path
    inner = _replaced(getattr(struct, name), tuple(rest), value) if rest else value
    return msgspec.structs.replace(struct, **{name: inner})
