"""Settings from file and environment, checked as a whole. The environment has precedence."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec.structs import replace

from icu.bounds import check_uuid, read_small
from icu.config import brokers, retention
from icu.config.api import Api
from icu.config.checks import check_children, check_siblings
from icu.config.databases import RELATIVE_DATABASE
from icu.config.environment import variables_of, with_environment
from icu.config.errors import ConfigurationError
from icu.config.files import File
from icu.config.settings import (
    OTHER_NAMES,
    AnyChild,
    Kafka,
    PatientChild,
    Secret,
    Settings,
    Transport,
    TransportKind,
)

# File of the current folder that is read where no other is named.
FILE_NAME: Final = "supervisor.toml"

# Check of the whole settings by another room. Yields the place of each mistake and its description.
Check: TypeAlias = Callable[[Settings], Iterable[tuple[str, str]]]

_PACKAGE: Final = Path(__file__).parent.parent
# Bytes of a password file at most.
_LONGEST_PASSWORD: Final = 10_000
# Paths in [kafka], which belong to the folder of the file that holds them.
_KAFKA_FILES: Final = ("sasl_password_file", "ssl_ca_file", "ssl_certificate_file", "ssl_key_file")
# Likewise in [api].
_API_FILES: Final = ("keys_file", "tls_certificate", "tls_key")


def packaged(*parts: str) -> Path:
    """Return the path of a file that comes with the program, in the wheel or in the checkout of the source."""
    wheel = _PACKAGE / "_data"
    return (wheel if wheel.is_dir() else _PACKAGE.parent).joinpath(*parts)


def chosen_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Choose the file that `load` reads: `path`, else ICU_CONFIG, else ./supervisor.toml.

    Returns:
        The path; None for the built-in file.

    Raises:
        ConfigurationError: The current folder cannot be searched.
    """
    if path is None and environ.get("ICU_CONFIG"):
        return Path(environ["ICU_CONFIG"])
    with _current_folder():
        return Path(FILE_NAME) if path is None and Path(FILE_NAME).exists() else path


@contextmanager
def _current_folder() -> Iterator[Path]:
    try:
        yield Path.cwd()
    except OSError as exc:
        raise ConfigurationError(f"the current folder cannot be used ({exc.strerror}): change to another one") from exc


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    transport: TransportKind | None = None,
    check: Check = lambda _: (),
) -> Settings:
    """Load the settings of `path`, else of ICU_CONFIG, else of ./supervisor.toml, else the built-in ones.

    Relative paths in a file belong to its folder; in the environment and in the built-in file, to the current folder.

    Args:
        path: File to read.
        environ: Environment; None for that of the process.
        transport: Replaces the configured kind of transport.
        check: Finds mistakes beyond this room. Yields the place of each, such as `child[2].role`, and its description.

    Raises:
        ConfigurationError: A setting is wrong, or the file cannot be read.
    """
    environ = os.environ if environ is None else environ
    with _current_folder() as here:
        chosen = chosen_file(path, environ)
    folder = (here / chosen).parent if chosen else here
    file = File(chosen or packaged(FILE_NAME))
    # Twice, since the paths of the file belong to its folder and those of the environment to the current one.
    settings = _resolve_paths(with_environment(_resolve_paths(_convert(file, folder), folder), environ), here)
    if transport is not None:
        settings = replace(settings, transport=replace(settings.transport, kind=transport))
    settings = _with_password(_with_patient_uuid(settings, environ), file, environ)
    _check_topics(settings, file, environ)
    _check_kafka(settings, file, environ)
    _check_retention(settings, file, environ)
    for where, why in check(settings):
        raise file.mistake(where, why)
    return settings


def _check_topics(settings: Settings, file: File, environ: Mapping[str, str]) -> None:
    topic, alarms = settings.transport.topic, settings.transport.alarms
    if topic == alarms:
        why = f"readings and alarms need a topic each, and both have {topic}: write another name for one of them"
        # The one that was named: the other may be the default.
        key = "topic" if alarms == Transport().alarms else "alarms"
        raise _mistake(file, environ, "transport", key, why)


def _check_kafka(settings: Settings, file: File, environ: Mapping[str, str]) -> None:
    if settings.transport.kind == "kafka":
        for key, why in brokers.mistakes_in(settings.kafka):
            raise _mistake(file, environ, "kafka", key, why)


def _check_retention(settings: Settings, file: File, environ: Mapping[str, str]) -> None:
    for key, why in retention.mistakes_in(settings.retention):
        raise _mistake(file, environ, "retention", key, why)


def _mistake(file: File, environ: Mapping[str, str], section: str, key: str, why: str) -> ConfigurationError:
    """Return the error for a key. It names the variable of the environment if one has set the key."""
    for name in variables_of(section, key):
        if environ.get(name):
            return ConfigurationError(f"environment variable {name}: {why}")
    return file.mistake(f"{section}.{key}", why)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings of the environment alone, with defaults for the rest."""
    with _current_folder() as here:
        return _resolve_paths(with_environment(Settings(), environ), here)


def with_ids(children: Iterable[AnyChild]) -> tuple[AnyChild, ...]:
    """Give each child without an id its role as one, or `bed-N` to the Nth patient child.

    Never the patient's name: ids stand in logs and metrics, where names do not belong.
    """
    named = []
    number = 0
    for child in children:
        number += isinstance(child, PatientChild)
        default = f"bed-{number}" if isinstance(child, PatientChild) else child.role
        named.append(replace(child, id=child.id or default))
    return tuple(named)


def _convert(file: File, folder: Path) -> Settings:
    if not file.values:
        raise file.mistake("", "is empty: write the children to run, or delete the file to run the built-in ward")
    _rename_roles(file.values)
    try:
        settings = msgspec.convert(file.values, Settings, dec_hook=_decode)
    except msgspec.ValidationError as exc:
        raise file.explain(exc) from exc
    check_children(file, settings.child, folder, _scenarios())
    settings = replace(settings, child=with_ids(settings.child))
    check_siblings(file, settings.child)
    return settings


def _scenarios() -> list[str]:
    """Return the names of all scenarios."""
    return sorted(path.stem for path in packaged("config", "scenarios").glob("*.toml"))


def _decode(kind: type, value: object) -> Path:
    if kind is Secret:
        raise ValueError(
            "a password does not belong here: give it in the environment (ICU_KAFKA_SASL_PASSWORD), "
            "or name a file that holds it (sasl_password_file)"
        )
    if kind is Path and isinstance(value, str):
        if "\0" in value:
            raise ValueError("a path cannot hold the character U+0000")
        return Path(value)
    raise TypeError("write a path, in quotes")


def _rename_roles(values: dict[str, Any]) -> None:
    """Replace other names of roles by their own."""
    children = values.get("child")
    for child in children if isinstance(children, list) else ():
        if isinstance(child, dict) and isinstance(child.get("role"), str):
            child["role"] = OTHER_NAMES.get(child["role"], child["role"])


def _resolve_paths(settings: Settings, folder: Path) -> Settings:
    match = RELATIVE_DATABASE.match(settings.database.url)
    if match:
        # Quoted, since a % in the folder's name would begin an escape of the URL.
        path = Path(quote(os.fsencode(folder))) / match["path"]
        settings = replace(settings, database=replace(settings.database, url=f"{match['scheme']}{path}"))
    socket = settings.supervisor.socket
    return replace(
        settings,
        kafka=replace(settings.kafka, **_files(settings.kafka, _KAFKA_FILES, folder)),
        api=replace(settings.api, **_files(settings.api, _API_FILES, folder)),
        supervisor=replace(settings.supervisor, socket=socket and folder / socket),
        child=tuple(_with_path(child, folder) for child in settings.child),
    )


def _files(section: Kafka | Api, names: Sequence[str], folder: Path) -> dict[str, Path]:
    """Return the paths of a section's files, relative ones below a folder."""
    return {name: folder / path for name in names if (path := getattr(section, name))}


def _with_path(child: AnyChild, folder: Path) -> AnyChild:
    if isinstance(child, PatientChild) and child.recording:
        return replace(child, recording=folder / child.recording)
    return child


def _with_password(settings: Settings, file: File, environ: Mapping[str, str]) -> Settings:
    """Read the password from its file, unless the environment has given one."""
    path = settings.kafka.sasl_password_file
    if path is None or settings.kafka.sasl_password is not None:
        return settings

    def unreadable(why: str) -> ConfigurationError:
        return _mistake(file, environ, "kafka", "sasl_password_file", f"the password file {path} {why}")

    try:
        text = read_small(path, most=_LONGEST_PASSWORD).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as exc:
        raise unreadable(f"is not written in UTF-8 (byte {exc.start}): save it as UTF-8") from exc
    except ValueError as exc:
        raise unreadable(str(exc)) from exc
    except OSError as exc:
        raise unreadable(f"cannot be read: {exc.strerror}") from exc
    return replace(settings, kafka=replace(settings.kafka, sasl_password=Secret(text)))


def _with_patient_uuid(settings: Settings, environ: Mapping[str, str]) -> Settings:
    text = environ.get("PATIENT_UUID")
    if not text:
        return settings
    patients = [child for child in settings.child if isinstance(child, PatientChild)]
    if len(patients) != 1:
        raise ConfigurationError(
            f"PATIENT_UUID names one patient, but {len(patients)} are configured: "
            "write `uuid = ` in supervisor.toml instead"
        )
    try:
        uuid = check_uuid(msgspec.convert(text, UUID))
    except msgspec.ValidationError as exc:
        raise ConfigurationError(f"environment variable PATIENT_UUID: {text[:80]!r} is not a uuid") from exc
    except ValueError as exc:
        raise ConfigurationError(f"environment variable PATIENT_UUID: {exc}") from exc
    return replace(settings, child=tuple(replace(c, uuid=uuid) if c is patients[0] else c for c in settings.child))
