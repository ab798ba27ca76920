"""Settings of supervisor.toml and the environment, and the messages of mistakes."""

import errno
import os
import re
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest

from icu.config.environment import unknown_variables
from icu.config.errors import ConfigurationError
from icu.config.load import load, packaged
from icu.config.settings import Database, MonitorChild, PatientChild, Settings, SinkChild
from icu.control.places import places
from icu.store.engines.table import engine_of

WARD = """\
metrics_interval = 2.5

[database]
url = "sqlite:///data/ward.db"

[[child]]
role = "data"

[[child]]
role = "monitor"
port = 8001

[[child]]
role = "patient"
name = "Anna"
restart = "temporary"

[[child]]
role = "patient"
id = "window"
name = "Иван Петров"
uuid = "6f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11"
recording = "ivan.csv"
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    """A settings file with this content."""
    path = tmp_path / "supervisor.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    """Load the settings of a text and an environment."""
    return load(written(tmp_path, text), environ)


def test_a_folder_whose_name_would_be_a_code(tmp_path: Path) -> None:
    """`%41` is an A in a URL, but stays itself in the name of the file's folder."""
    folder = tmp_path / "50%41"
    folder.mkdir()
    settings = load(written(folder, '[database]\nurl = "sqlite:///a%20b.db"\n[[child]]\nrole = "sink"\n'), {})
    assert engine_of(settings.database.url).location == str(folder / "a b.db")
    [own, *_] = places(settings, {})
    other = Settings(database=Database(f"sqlite:///{tmp_path}/50%2541/../50%2541/a b.db"))
    assert [own] == places(other, {})


def test_a_ward(tmp_path: Path) -> None:
    """A whole file is read; paths belong to its folder, and patients without an id are numbered."""
    (tmp_path / "ivan.csv").write_text("hr\n70\n")
    settings = loaded(tmp_path, WARD)
    assert settings.metrics_interval == 2.5
    assert settings.database.url == f"sqlite:///{tmp_path}/data/ward.db"
    sink, monitor, anna, ivan = settings.child
    assert isinstance(sink, SinkChild) and isinstance(monitor, MonitorChild)
    assert isinstance(anna, PatientChild) and isinstance(ivan, PatientChild)
    assert [child.id for child in settings.child] == ["sink", "monitor", "bed-1", "window"]
    assert (monitor.port, anna.restart, ivan.restart) == (8001, "temporary", "transient")
    assert (ivan.uuid, ivan.recording) == (UUID("6f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11"), tmp_path / "ivan.csv")


def test_the_built_in_ward() -> None:
    """The file of the program has a sink, a monitor, an upkeep and eight patients."""
    settings = load(packaged("supervisor.toml"), {})
    assert [child.role for child in settings.child] == ["sink", "monitor", "upkeep", *["patient"] * 8]
    assert settings.metrics_interval == 5


def test_without_a_file_the_built_in_ward_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in ward has its database in the current folder, not beside the program."""
    monkeypatch.chdir(tmp_path)
    settings = load(None, {})
    assert len(settings.child) == 11
    assert settings.database.url == f"sqlite:///{tmp_path}/icu.db"


def test_the_file_is_found_by_name_or_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default file is ./supervisor.toml, unless ICU_CONFIG names another."""
    (tmp_path / "elsewhere").mkdir()
    other = written(tmp_path / "elsewhere", "metrics_interval = 9")
    written(tmp_path, "metrics_interval = 3")
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).metrics_interval == 3
    assert load(None, {"ICU_CONFIG": str(other)}).metrics_interval == 9


def test_the_environment_wins(tmp_path: Path) -> None:
    """Variables replace settings, by the brief's names or ICU_ names; an empty one is ignored."""
    settings = loaded(
        tmp_path,
        "metrics_interval = 3",
        KAFKA_BOOTSTRAP_SERVERS="broker:9092",
        KAFKA_TOPIC="vitals",
        API_PREFIX="/api/v1",
        DEBUG="true",
        METRICS_INTERVAL="0.5",
        DATABASE_URL="sqlite:////tmp/x.db",
        ICU_SUPERVISOR_RESTARTS="7",
        ICU_API_CORS_ORIGINS="https://a.example, https://b.example",
        ICU_LOG_LEVEL="",
    )
    assert (settings.kafka.bootstrap_servers, settings.transport.topic) == ("broker:9092", "vitals")
    assert (settings.api.prefix, settings.debug, settings.metrics_interval) == ("/api/v1", True, 0.5)
    assert settings.database.url == "sqlite:////tmp/x.db"
    assert settings.supervisor.restarts == 7
    assert settings.api.cors_origins == ("https://a.example", "https://b.example")
    assert (settings.log.level, settings.log_level) == ("INFO", "DEBUG")


def test_the_patients_uuid_may_be_given_at_start(tmp_path: Path) -> None:
    """PATIENT_UUID sets the uuid of a single patient, and is refused with several."""
    uuid = "6f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11"
    one = '[[child]]\nrole = "patient"\nname = "Anna"\n'
    [child] = loaded(tmp_path, one, PATIENT_UUID=uuid).child
    assert isinstance(child, PatientChild)
    assert child.uuid == UUID(uuid)
    with pytest.raises(ConfigurationError, match="PATIENT_UUID: 'anna' is not a uuid"):
        loaded(tmp_path, one, PATIENT_UUID="anna")
    with pytest.raises(ConfigurationError, match="PATIENT_UUID: the uuid is nil"):
        loaded(tmp_path, one, PATIENT_UUID=str(UUID(int=0)))
    with pytest.raises(ConfigurationError, match="2 are configured"):
        loaded(tmp_path, one + one.replace("Anna", "Boris"), PATIENT_UUID=uuid)


PATIENT = '[[child]]\nrole = "patient"\nname = "Anna"\n'

MISTAKES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty"),
    "only a comment": ("# later\n", "is empty"),
    "no toml": ("metrics_interval = = 5", r"supervisor\.toml:1: the value cannot be read: write "),
    "duplicate key": ("debug = true\ndebug = false", r"supervisor\.toml:2: this stands in the file twice"),
    "byte order mark": (b"\xef\xbb\xbfdebug = true", r"supervisor\.toml:1: .*byte order mark"),
    "cp1251": ('debug = true # "Иван"'.encode("cp1251"), "not written in UTF-8"),
    "5,000 digits": ("debug = true\nmetrics_interval = " + "9" * 5_000, r"supervisor\.toml:2: .*too many digits"),
    "nested 3,000 deep": (
        "debug = true\na = " + "[" * 3_000 + "]" * 3_000,
        r"supervisor\.toml:2: is nested too deeply",
    ),
    "over a megabyte": (b"#" * 1_000_001, "no configuration file"),
    "unknown section": ("[databse]\nurl = 'x'", r"supervisor\.toml:1: databse: .*did you mean 'database'"),
    "unknown key": ("[log]\nlevle = 'INFO'", r"supervisor\.toml:2: log\.levle: .*did you mean 'level'"),
    "unknown key of a child": (PATIENT + "intervall = 3", r":4: child\[0\]\.intervall: .*did you mean 'interval'"),
    "unknown role": (
        '[[child]]\nrole = "patent"',
        r":2: child\[0\]\.role: 'patent' is none of sink, data, monitor, upkeep, patient.*; did you mean 'patient'\?",
    ),
    "a number for a role": (
        "[[child]]\nrole = 5",
        r":2: child\[0\]\.role: write one of sink, .*patient.*, in quotes\Z",
    ),
    "no role": ('[[child]]\nname = "Anna"', r":1: child\[0\]: role is missing: write one of sink, data, "),
    "no name": ('[[child]]\nrole = "patient"', r":1: child\[0\]: name is missing: write text of 1 to 200 c"),
    "text for a number": (
        'metrics_interval = "5s"',
        r":1: metrics_interval: write a number from 0\.1 to 86400, without quotes\Z",
    ),
    "boolean for a number": (PATIENT + "port = true", r":4: child\[0\]\.port: write a whole number from 1 to 65535\Z"),
    "infinite interval": ("metrics_interval = inf", r":1: metrics_interval: "),
    "no interval": ("metrics_interval = nan", r":1: metrics_interval: "),
    "zero interval": ("metrics_interval = 0", r":1: metrics_interval: write a number from 0\.1 to 86400\Z"),
    "port 0": (PATIENT + "port = 0", r":4: child\[0\]\.port: .* from 1 to 65535\Z"),
    "port 65536": (PATIENT + "port = 65536", r":4: child\[0\]\.port: .* from 1 to 65535\Z"),
    "intensity 0": ("[supervisor]\nrestarts = 0", r":2: supervisor\.restarts: .* from 1 to 10000\Z"),
    "no room": ("[transport]\ncapacity = 0", r":2: transport\.capacity: .* from 1 to 10000000\Z"),
    "restart kind": (
        PATIENT + 'restart = "alway"',
        r":4: child\[0\]\.restart: 'alway' is none of permanent, transient, temporary\Z",
    ),
    "restart kind, nearly": (PATIENT + 'restart = "temporarily"', r"; did you mean 'temporary'\?"),
    "a level in small letters": ('[log]\nlevel = "info"', r":2: log\.level: 'info' is none of .*mean 'INFO'\?"),
    "a level that is none": ('[log]\nlevel = "LOUD"', r"'LOUD' is none of TRACE, DEBUG, INFO, WARNING, ERROR\Z"),
    "a number for a level": ("[log]\nlevel = 5", r":2: log\.level: write one of TRACE, .*, ERROR, in quotes\Z"),
    "one id twice": (PATIENT + 'id = "a"\n[[child]]\nrole = "sink"\nid = "a"', r":5: child\[1\]: .*id 'a'"),
    "one patient twice": (PATIENT * 2, r":4: child\[1\]: the patient Anna lies in 'bed-1' already"),
    "two servers on a port": (
        '[[child]]\nrole = "monitor"\n' + PATIENT + "port = 8000",
        r":6: child\[1\]\.port: 8000 is the port of 'monitor'",
    ),
    "a missing recording": (PATIENT + 'recording = "no.csv"', r":4: child\[0\]\.recording: there is no file"),
    "a number for a recording": (PATIENT + "recording = 5", r":4: child\[0\]\.recording: write a path, in quotes\Z"),
    "a long recording": (PATIENT + f'recording = "{"a" * 5_000}"', r":4: child\[0\]\.recording: .* File name too long"),
    "a recording with NUL": (PATIENT + 'recording = "a\\u0000b"', r":4: child\[0\]\.recording: .* character U\+0000"),
    "a folder for a recording": (PATIENT + 'recording = "."', r":4: child\[0\]\.recording: .* is no regular file"),
    "a device for a recording": (PATIENT + 'recording = "/dev/zero"', r"recording: /dev/zero is no regular file"),
    "a recording in a file": (PATIENT + 'recording = "supervisor.toml/a.csv"', r"recording: there is no file"),
    "step without a recording": (PATIENT + "step = 60", r":4: child\[0\]\.step: is for recordings"),
    "speed without a start": (PATIENT + "speed = 2", r":4: child\[0\]\.speed: is for the time since `start`"),
    "a start in 1900": (PATIENT + "start = 1900-01-01T00:00:00Z", r":4: child\[0\]\.start: is outside the years"),
    **{
        f"{key} of a recording": (
            PATIENT + f'recording = "supervisor.toml"\n{key} = {value}',
            rf":5: child\[0\]\.{key}: is for simulated patients",
        )
        for key, value in {"scenario": '"sepsis"', "scenario_rate": 0, "artefacts": 0}.items()
    },
    "a recording for ever": (
        PATIENT + 'recording = "supervisor.toml"\nrestart = "permanent"',
        r':5: child\[0\]\.restart: .*: write "transient"',
    ),
    **{
        f"start in {time[:4]}": (
            PATIENT + f'recording = "supervisor.toml"\nstart = {time}',
            r":5: child\[0\]\.start: is outside the years 1970 to 2099",
        )
        for time in ("1900-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00")
    },
    "nil for a uuid": (
        PATIENT + 'uuid = "00000000-0000-0000-0000-000000000000"',
        r":4: child\[0\]\.uuid: the uuid is nil",
    ),
    "a name with an escape": (PATIENT.replace("Anna", "\\u001b[2J"), r":3: child\[0\]\.name: .* character U\+001B"),
    "a name of spaces": (PATIENT.replace("Anna", "  "), r":3: child\[0\]\.name: a name has 1 to 200 characters"),
    "an id with spaces": (PATIENT + 'id = " a"', r":4: child\[0\]\.id: .*for instance bed-1"),
    "a host with NUL": (PATIENT + 'host = "a\\u0000b"', r":4: child\[0\]\.host: .*for instance 127\.0\.0\.1"),
    **{
        f"the database {url}": (f'[database]\nurl = "{url}"', r":2: database\.url: .* for instance sqlite:///icu\.db")
        for url in (
            "mysql://icu:secret@db/icu",
            "postgresql://u@h:abc/d",
            "sqlite://",
            "sqlite:///",
            "sqlite:///:memory:",
            "sqlite:///file::memory:?uri=true",
            "sqlite://host/icu.db",
            "sqlite:///a\\u0000b",
            "sqlite:///a%00b",
            "sqlite:///a%0Ab",
            "sqlite:///a%7fb",
            "sqlite:///file:icu.db",
            "sqlite:///icu.db?mode=memory",
            "icu.db",
        )
    },
    "a prefix without a slash": ('[api]\nprefix = "api"', r":2: api\.prefix: .*for instance /api/v1"),
    "every origin": (
        '[api]\ncors_origins = ["*"]',
        r":2: api\.cors_origins\[0\]: .*for instance https://ward\.example",
    ),
    "a topic with spaces": ('[transport]\ntopic = "my topic"', r":2: transport\.topic: .*instance icu\.observations"),
    "one topic for all": (
        '[transport]\nalarms = "icu.observations"',
        r":2: transport\.alarms: readings and alarms need a topic each, and both have icu\.observations: write anot",
    ),
    "readings on the topic of alarms": (
        '[transport]\ntopic = "icu.alarms"',
        r":2: transport\.topic: readings and alarms need a topic each, and both have icu\.alarms: write another name",
    ),
    "a password inline": (
        '[kafka]\nsasl_username = "icu"\nsasl_password = "secret"',
        r":3: kafka\.sasl_password: a password does not belong here: .*ICU_KAFKA_SASL_PASSWORD.*sasl_password_file",
    ),
    "an unknown security": ('[kafka]\nsecurity = "TLS"', r":2: kafka\.security: 'TLS' is none of PLAINTEXT, SSL, .*"),
    "brokers without a port": (
        '[kafka]\nbootstrap_servers = "kafka"',
        r":2: kafka\.bootstrap_servers: .*for instance kafka-1:9092,kafka-2:9092",
    ),
    "a transport that is none": (
        '[transport]\nkind = "kafak"',
        r":2: transport\.kind: 'kafak' is none of memory, kafka; did you mean 'kafka'\?",
    ),
    "a mistyped scenario": (
        PATIENT + 'scenario = "sepsys"',
        r":4: child\[0\]\.scenario: 'sepsys' is none of bradycardia, .*; did you mean 'sepsis'\?",
    ),
    "a scenario that is none": (
        PATIENT + 'scenario = "flu"',
        r":4: child\[0\]\.scenario: 'flu' is none of .*, tachyarrhythmia\Z",
    ),
    "a text for a list": ('[api]\nhosts = "a.example"', r":2: api\.hosts: write a list, in square brackets\Z"),
    "a number in a list": ("[api]\nhosts = [5]", r":2: api\.hosts\[0\]: a host is a name without a port"),
    "a value for a section": ('log = "INFO"', r":1: log: write \[log\] on a line of its own, and its settings below"),
    "one child": ('[child]\nrole = "sink"', r":1: child: write \[\[child\]\] on a line of its own"),
    "a number for a uuid": (PATIENT + "uuid = 5", r":4: child\[0\]\.uuid: write a uuid, for instance .*, in quotes\Z"),
    "no uuid": (PATIENT + 'uuid = "anna"', r":4: child\[0\]\.uuid: write a uuid, for instance 6f1c2e1e-[-0-9a-f]+\Z"),
    "a long name": (PATIENT.replace("Anna", "a" * 201), r":3: child\[0\]\.name: write text of 1 to 200 characters\Z"),
    "a long address": (
        f'[database]\nurl = "sqlite:///{"a" * 4_096}"',
        r":2: database\.url: write text of at most 4096 characters\Z",
    ),
    "a key with a space": ("metrics interval = 5", r":1: write a setting as `key = value`, the key without spaces\Z"),
    "a value without quotes": ("[log]\nlevel = INFO", r':2: the value cannot be read: write "text" in quotes, true, '),
    "a quote that is open": ('[log]\nlevel = "INFO', r":2: the text has no closing quote\Z"),
    "a section twice": ("[log]\n[api]\n[log]", r":3: this section stands in the file twice: put its settings tog"),
    "a bracket that is open": ("[log\n", r":1: a section's name has no closing bracket\Z"),
    "a list without a comma": ('[api]\nhosts = ["a" "b"]', r":2: a list has no closing bracket, or lacks a comma\Z"),
    "a path of Windows": ('[database]\nurl = "sqlite:///C:\\data"', r":2: a \\ in quotes is written \\\\, or the te"),
    "a control character": ('[log]\nlevel = "\x01"', r":2: a control character cannot stand in the file"),
    "start without a zone": (PATIENT + "start = 2026-01-31T12:00:00", r":4: child\[0\]\.start: "),
}


@pytest.mark.parametrize(("text", "why"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_file_line_key_and_what_to_write(tmp_path: Path, text: str | bytes, why: str) -> None:
    """A mistake names its place and the remedy, and repeats no secret."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        load(written(tmp_path, text), {})
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)
    assert not re.search("regex|[Ee]xpected|[Oo]bject|[Ii]nvalid|got `", str(caught.value))


def test_a_password_comes_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    """The environment wins over the password file, whose trailing line feed is no part of it."""
    (tmp_path / "password").write_text("from the file\n")
    text = '[kafka]\nsasl_password_file = "password"\nssl_ca_file = "ca.pem"'
    settings = loaded(tmp_path, text)
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.reveal() == "from the file"
    assert settings.kafka.ssl_ca_file == tmp_path / "ca.pem"
    settings = loaded(tmp_path, text, ICU_KAFKA_SASL_PASSWORD="from the environment")
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.reveal() == "from the environment"
    assert "from the" not in repr(settings)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_text("x" * 10_001)
    (tmp_path / "latin").write_bytes(b"\xe4")
    for name, why in {
        "missing": "cannot be read: No such file",
        "pipe": "is a device or a pipe: name a regular file",
        "/dev/zero": "is a device or a pipe: name a regular file",
        "long": "has over 10000 bytes",
        "latin": "is not written in UTF-8",
    }.items():
        place = rf"supervisor\.toml:2: kafka\.sasl_password_file: the password file .*{name} {why}"
        with pytest.raises(ConfigurationError, match=place):
            loaded(tmp_path, text.replace('"password"', f'"{name}"'))
        with pytest.raises(ConfigurationError, match=rf"ICU_KAFKA_SASL_PASSWORD_FILE: .*{name} {why}"):
            loaded(tmp_path, text, ICU_KAFKA_SASL_PASSWORD_FILE=str(tmp_path / name))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Unreadable files are told apart: missing ones, folders, devices and pipes."""
    with pytest.raises(ConfigurationError, match=r"there is no file .*missing\.toml"):
        load(tmp_path / "missing.toml", {})
    with pytest.raises(ConfigurationError, match="is a folder"):
        load(tmp_path, {})
    with pytest.raises(ConfigurationError, match="/dev/zero is a device or a pipe"):
        load(Path("/dev/zero"), {})
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("pipe", "link"):
        with pytest.raises(ConfigurationError, match=f"{name} is a device or a pipe: name a regular file"):
            load(tmp_path / name, {})
    with pytest.raises(ConfigurationError, match="cannot be read: File name too long"):
        load(None, {"ICU_CONFIG": "a" * 5_000})


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deleted current folder is an error, for relative paths belong to it."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ConfigurationError, match="the current folder cannot be used"):
        load(None, {})


def test_a_current_folder_that_may_not_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without permission is an error. (Patched, since a superuser may read every folder.)"""

    def refuse(_: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(ConfigurationError, match=r"the current folder cannot be used \(Permission denied\)"):
        load(None, {})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("METRICS_INTERVAL", "5s", "environment variable METRICS_INTERVAL: '5s' is no number: write the digits 0 to 9"),
        ("METRICS_INTERVAL", "0", "write a number from 0.1 to 86400, not .0.\\Z"),
        ("METRICS_INTERVAL", "inf", "METRICS_INTERVAL"),
        ("METRICS_INTERVAL", "٥", "METRICS_INTERVAL: '٥' is no number: write the digits 0 to 9"),
        ("METRICS_INTERVAL", "1_0", "METRICS_INTERVAL: '1_0' is no number"),
        ("ICU_SUPERVISOR_RESTARTS", "1e3", "ICU_SUPERVISOR_RESTARTS: '1e3' is no whole number: write the digits"),
        ("ICU_TRANSPORT_PARTITIONS", "٦", "ICU_TRANSPORT_PARTITIONS: '٦' is no whole number"),
        ("ICU_TRANSPORT_CAPACITY", "9" * 40, "ICU_TRANSPORT_CAPACITY: '9+' is no whole number"),
        ("DEBUG", "perhaps", "DEBUG"),
        ("API_PREFIX", "api", "API_PREFIX"),
        ("ICU_LOG_LEVEL", "LOUD", r"ICU_LOG_LEVEL: 'LOUD' is none of .*, ERROR\Z"),
        ("ICU_LOG_LEVEL", "debug", "did you mean 'DEBUG'"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka", "for instance kafka-1:9092,kafka-2:9092, not 'kafka'"),
        ("KAFKA_TOPIC", "icu.alarms", r"\Aenvironment variable KAFKA_TOPIC: readings and alarms need a topic each"),
        ("ICU_TRANSPORT_ALARMS", "icu.observations", r"\Aenvironment variable ICU_TRANSPORT_ALARMS: readings and"),
        ("DATABASE_URL", "mysql://icu:secret@db/icu", r"DATABASE_URL: (?!.*secret).*sqlite:///icu\.db, "),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, name: str, value: str, why: str) -> None:
    """A mistake in the environment names the variable, not the file."""
    with pytest.raises(ConfigurationError, match=why):
        load(written(tmp_path, "debug = false"), {name: value})


SASL = '[kafka]\nsecurity = "SASL_SSL"\n'


@pytest.mark.parametrize(
    ("text", "environ", "why"),
    [
        (SASL, {}, r"supervisor\.toml:2: kafka\.security: SASL_SSL needs sasl_username, and a password: ICU_KAFKA_"),
        ("[kafka]\nrequire_tls = true", {}, r"supervisor\.toml:2: kafka\.require_tls: forbids security PLAINTEXT"),
        ('[kafka]\nbootstrap_servers = "a:0"', {}, r"supervisor\.toml:2: kafka\.bootstrap_servers: a:0 has no port"),
        (
            "debug = true",
            {"KAFKA_BOOTSTRAP_SERVERS": "a:99999"},
            r"\Aenvironment variable KAFKA_BOOTSTRAP_SERVERS: a:9",
        ),
        (SASL, {"ICU_KAFKA_SECURITY": "SASL_PLAINTEXT"}, r"\Aenvironment variable ICU_KAFKA_SECURITY: SASL_PLAINTEXT"),
    ],
)
def test_settings_of_kafka_that_do_not_go_together(
    tmp_path: Path, text: str, environ: dict[str, str], why: str
) -> None:
    """A contradiction in [kafka] names its place where Kafka is used, and is ignored otherwise."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=why):
        load(path, environ, transport="kafka")
    assert load(path, environ).transport.kind == "memory"


def test_misspelt_variables_are_noticed() -> None:
    """An unknown ICU_ variable is reported with a suggestion."""
    [sentence] = unknown_variables(
        {"ICU_LOG_LEVLE": "DEBUG", "ICU_CONFIG": "x", "ICU_TEST_KAFKA": "x", "PATH": "/bin", "DEBUG": "1"}
    )
    assert "did you mean 'ICU_LOG_LEVEL'" in sentence


def test_mistakes_that_others_find(tmp_path: Path) -> None:
    """Mistakes of a caller's check get file, line and key like any other."""
    path = written(tmp_path, '[[child]]\nrole = "sink"\n')
    with pytest.raises(ConfigurationError, match=r"\.toml:2: child\[0\]\.role: sqlite:////x\.db has one of its own"):
        load(
            path,
            {"DATABASE_URL": "sqlite:////x.db"},
            check=lambda settings: [("child[0].role", f"{settings.database.url} has one of its own")],
        )
