"""The command line: one line for each mistake, and exit codes for scripts."""

import io
import re
import socket
from pathlib import Path
from uuid import UUID

import pytest

from icu.bootstrap import database
from icu.store.engines.sqlite import files
from icu.store.schema import HEAD
from tests.unit.cli.conftest import Run


def test_bare_icu_helps(icu: Run) -> None:
    """`icu` without a command prints help on standard output, and ends with 0."""
    code, out, err = icu()
    assert (code, err) == (0, "")
    for word in ("supervise", "run", "db", "status", "restart", "Not a medical device"):
        assert word in out


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["supervise", "-h"],
        ["run"],
        ["run", "--help"],
        ["run", "monitor", "-h"],
        ["status", "-h"],
        ["logs", "-h"],
    ],
)
def test_help(icu: Run, words: list[str]) -> None:
    """Each command prints help and ends with 0."""
    assert icu(*words)[0] == 0


def test_every_role_is_listed_once(icu: Run) -> None:
    """Each role is listed once by the name that is typed, including the brief's `data`."""
    out = icu("run", "--help")[1]
    listed = [line.split()[1] for line in out.splitlines() if line.startswith("│ ") and line[2] != " "]
    assert sorted(name for name in listed if not name.startswith("-")) == [
        "data",
        "monitor",
        "patient",
        "sink",
        "upkeep",
    ]
    assert "--require-broker" in icu("run", "data", "--help")[1]


def test_scale_says_what_it_means(icu: Run) -> None:
    """The help of `scale` says which children come and go, what becomes of their patients, and for how long it
    holds."""
    out = " ".join(icu("scale", "--help")[1].split())
    for words in ("ID-1 to ID-N", "highest numbers", "no longer monitored", "`reload`"):
        assert words in out


USAGE: dict[str, tuple[list[str], str]] = {
    "unknown command": (["supervize"], "supervise"),
    "unknown role": (["run", "monitr"], "monitor"),
    "unknown option": (["supervise", "--confg", "x"], "--config"),
    "port 0": (["run", "monitor", "--port", "0"], "write a whole number from 1 to 65535, not "),
    "port -1": (["run", "monitor", "--port", "-1"], "write a whole number from 1 to 65535, not "),
    "port 65536": (["run", "monitor", "--port", "65536"], "write a whole number from 1 to 65535, not "),
    "port 99999": (["supervise", "--port", "99999"], "write a whole number from 1 to 65535, not "),
    "port of letters": (["run", "monitor", "--port", "8080abc"], "8080abc"),
    "port missing": (["run", "monitor", "--port"], "--port needs a value"),
    "speed 0": (["supervise", "--recordings", ".", "--speed", "0"], "--speed"),
    "speed nan": (["supervise", "--recordings", ".", "--speed", "nan"], "--speed"),
    "speed of words": (["supervise", "--recordings", ".", "--speed", "fast"], "--speed"),
    "step 1e-9": (["supervise", "--recordings", ".", "--step", "1e-9"], "--step"),
    "start of words": (["supervise", "--recordings", ".", "--start", "tomorrow"], "2026-01-31T12:00:00Z"),
    "speed alone": (["supervise", "--speed", "60"], "--recordings"),
    "the default speed alone": (["supervise", "--speed", "1"], "--recordings"),
    "step alone": (["supervise", "--step", "60"], "--recordings"),
    "a span without a unit": (["supervise", "--backfill", "24"], "'24' has no unit: write 24s, 24min, 24h or 24d"),
    "a span of words": (["supervise", "--backfill", "yesterday"], "write for instance 30s, 5min, 24h or 7d"),
    "a span of nothing": (["supervise", "--backfill", "0h"], "0h"),
    "a span of centuries": (["supervise", "--backfill", "99999d"], "99999d"),
    "a past of recordings": (["supervise", "--backfill", "1h", "--recordings", "."], "leave --recordings and --start"),
    "two starts": (["supervise", "--backfill", "1h", "--start", "2026-01-31"], "leave --recordings and --start"),
    "a patient's speed alone": (["run", "patient", "--name", "X", "--speed", "60"], "--recording FILE"),
    "a patient's step alone": (["run", "patient", "--name", "X", "--step", "60"], "--recording FILE"),
    "a patient's start of words": (["run", "patient", "--name", "X", "--start", "today"], "2026-01-31T12:00:00Z"),
    "a rate below none": (["run", "patient", "--name", "X", "--scenario-rate", "-1"], "--scenario-rate"),
    "artefacts of words": (["run", "patient", "--name", "X", "--artefacts", "many"], "--artefacts"),
    "no patients": (["run", "patient", "--name", "X", "--patients", "0"], "--patients"),
    "log format": (["supervise", "--log-format", "xml"], "'xml' is none of auto, json, text"),
    "transport": (["supervise", "--transport", "kafak"], "is none of memory, kafka; did you mean 'kafka'?"),
    "memory for a patient alone": (["run", "patient", "--name", "X", "--transport", "memory"], "supervise"),
    "memory for a sink alone": (["run", "sink", "--transport", "memory"], "inside one process"),
    "a patient without a name": (["run", "patient"], "--name is missing (see python -m icu run patient --help)"),
    "a uuid that is none": (["run", "patient", "--name", "X", "--uuid", "x"], "--uuid"),
    "interval 0": (
        ["run", "patient", "--name", "X", "--interval", "0"],
        "--interval: write a number from 0.1 to 86400",
    ),
    "interval nan": (["run", "patient", "--name", "X", "--interval", "nan"], "--interval"),
    "interval 1e-9": (["run", "patient", "--name", "X", "--interval", "1e-9"], "--interval"),
    "interval inf": (["run", "patient", "--name", "X", "--interval", "inf"], "--interval"),
    "the brief's spelling": (["run", "patient", "-name1", "-8080"], "patient --name name1 --port 8080"),
    "the brief's spelling, bare": (["-Иван", "-8080"], "python -m icu run patient --name 'Иван' --port 8080"),
    "no partitions": (["topics", "create", "--partitions", "0"], "--partitions"),
    "too many words": (["supervise", "now"], "too many words: now (see python -m icu supervise --help)"),
    "nobody to start": (["start"], "ID... is missing (see"),
    "nobody to stop": (["stop"], "ID"),
    "nobody to restart": (["restart"], "ID"),
    "no count": (["scale", "icu"], "N"),
    "a count of words": (["scale", "icu", "many"], "many"),
    "a count below none": (["scale", "icu", "--", "-1"], "write a whole number from 0 to 10000, not "),
    "a count without end": (["scale", "icu", "10001"], "write a whole number from 0 to 10000, not "),
    "a scenario for nobody": (["scenario", "sepsis"], "scenario BED SCENARIO"),
    "no scenario": (["scenario"], "BED"),
    "a name in two words": (["scenario", "Anna", "Petrova", "sepsis"], "quote names"),
    "no address": (["scenario", "--url", "127.0.0.1:8101", "sepsis"], "write for instance http://127.0.0.1:8101"),
    "an address of a mail server": (["scenario", "--url", "smtp://127.0.0.1", "sepsis"], "no address of a patient"),
    "a port that cannot be": (["scenario", "--url", "http://127.0.0.1:99999", "sepsis"], "no address of a patient"),
    "two logs": (["logs", "sink", "monitor"], "monitor"),
    "a misspelt order": (["restrat", "sink"], "there is no command 'restrat' here; did you mean restart?"),
    "an option that is none": (
        ["status", "--xyz"],
        "there is no option --xyz here (see python -m icu status --help)",
    ),
    "a value for a flag": (["status", "--json=yes"], "--json takes no value"),
    "a role that is none": (["run", "nurse"], "there is no command 'nurse' here (see python -m icu run --help)"),
    "a misspelt option": (["status", "--wtach"], "there is no option --wtach here; did you mean --watch?"),
}


NUMBERS: dict[str, list[str]] = {
    "--port": ["run", "monitor"],
    "--speed": ["supervise", "--recordings", "."],
    "--step": ["supervise", "--recordings", "."],
    "--backfill": ["supervise"],
    "--interval": ["run", "patient", "--name", "X"],
    "--seed": ["run", "patient", "--name", "X"],
    "--patients": ["run", "patient", "--name", "X"],
    "--scenario-rate": ["run", "patient", "--name", "X"],
    "--artefacts": ["run", "patient", "--name", "X"],
    "--uuid": ["run", "patient", "--name", "X"],
    "--partitions": ["topics", "create"],
    "--copies": ["topics", "create"],
    "--hours": ["simulate"],
    "--every": ["simulate"],
    "--least": ["scorecard"],
    "scale": [],
}


def written(option: str, number: str) -> list[str]:
    """Return the words of a command with the number."""
    if option == "scale":
        return ["scale", "icu", number]
    return [*NUMBERS[option], option, f"{number}f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11" if option == "--uuid" else number]


@pytest.mark.parametrize("number", ["٦", "６", "1_0", "६"])
@pytest.mark.parametrize("option", NUMBERS)
def test_numbers_have_the_digits_0_to_9(icu: Run, option: str, number: str) -> None:
    """Options refuse digits of other scripts and underscores, which Python accepts in numbers."""
    code, out, err = icu(*written(option, number))
    assert (code, out) == (64, "")
    assert err.count("\n") == 1
    assert number in err


@pytest.mark.parametrize(("words", "hint"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_64(icu: Run, words: list[str], hint: str) -> None:
    """Wrong usage ends with 64, and one line on standard error says what to type."""
    code, out, err = icu(*words)
    assert (code, out) == (64, "")
    assert err.startswith("icu: ")
    assert err.count("\n") == 1
    assert hint in err
    assert not re.search("Invalid|Missing|No such|Got|Option '|range", err)


def test_wrong_settings_are_78(icu: Run, tmp_path: Path) -> None:
    """Wrong settings end with 78, and the message names file, line and key."""
    (tmp_path / "bad.toml").write_text('[[child]]\nrole = "patent"\n')
    (tmp_path / "escape.toml").write_text('[[child]]\nrole = "patient"\nname = "\\u001b[2J"\n')
    (tmp_path / "childless.toml").write_text("debug = true\n")
    (tmp_path / "named.toml").write_text('[api]\nhosts = ["ward.example"]\n')
    monitor = '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\nhost = "0.0.0.0"\n'
    (tmp_path / "remote.toml").write_text(f'[api]\nhosts = ["ward.example"]\n{monitor}')
    (tmp_path / "empty").mkdir()
    for folder, names in {
        "twins": ("a.csv", "a.psv"),
        "composed": ("Zo\u00eb.csv", "Zoe\u0308.psv"),
        "override": ("\u202eannA.csv",),
        "whole": ("b.csv",),
    }.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text("ICULOS,hr\n0,70\n600000,71\n")
    for words, hint in [
        (
            ["supervise", "--config", "bad.toml"],
            "bad.toml:2: child[0].role: 'patent' is none of sink, data, ",
        ),
        (["supervise", "--config", "missing.toml"], "there is no file missing.toml"),
        (["supervise", "--config", "empty"], "is a folder"),
        (["supervise", "--config", "/dev/zero"], "is a device"),
        (
            ["supervise", "--config", "escape.toml"],
            "escape.toml:3: child[0].name: a name cannot hold the control character U+001B",
        ),
        (["supervise", "--config", "childless.toml"], "no child is configured"),
        (["supervise", "--recordings", "empty"], "holds no recording"),
        (["run", "patient", "--name", ""], "name"),
        (["run", "patient", "--name", "\u202eannA"], "a name cannot hold the control character U+202E"),
        (["run", "patient", "--name", "x" * 65_536], "a name has 1 to 200 characters"),
        (["run", "patient", "--name", "X", "--recording", "no.csv"], "no.csv cannot be read as a recording"),
        (["supervise", "--recordings", "nowhere"], "there is no folder nowhere"),
        (["supervise", "--recordings", "twins"], "twins/a.csv and twins/a.psv are recordings of one patient, a:"),
        (["supervise", "--recordings", "composed"], "are recordings of one patient, Zo"),
        (["supervise", "--recordings", "override"], "the control character U+202E: rename it"),
        *(
            (["supervise", "--recordings", "whole", "--start", time], f"bed-1: {tmp_path}/whole/b.csv begins at {time}")
            for time in ("9999-12-31T23:59:59+00:00", "1900-01-01T00:00:00+00:00", "2099-12-31T00:00:00+00:00")
        ),
        (
            ["supervise", "--recordings", "whole", "--start", "0001-01-01T00:00+14:00"],
            "is outside the years 1970 to 2099",
        ),
        (["run", "patient", "--name", "X", "--recording", "whole/b.csv", "--start", "1900-01-01"], "outside the years"),
        (["run", "patient", "--name", "X", "--start", "1900-01-01"], "bed: its start is outside the years"),
        (["supervise", "--start", "1900-01-01"], "bed-1: its start is outside the years 1970 to 2099"),
        (
            ["run", "patient", "--name", "X", "--scenario", "sepsys"],
            "bed: there is no scenario 'sepsys': choose one of",
        ),
        (["run", "patient", "--name", "X", "--uuid", str(UUID(int=0))], "bed: the uuid is nil"),
        (["run", "monitor", "--config", "named.toml", "--host", "no.such.host.invalid"], "cannot listen on"),
        (["run", "monitor", "--config", "named.toml", "--host", "ё" * 100], "that is no host"),
        (["run", "monitor", "--config", "named.toml", "--host", ""], "a host is missing: write 127.0.0.1"),
        (["run", "monitor", "--host", "192.0.2.1"], 'hosts = ["icu.ward.example"] below [api] (or ICU_API_HOSTS)'),
        (["supervise", "--config", "remote.toml"], "python -m icu keys add NAME --role viewer"),
    ]:
        code, out, err = icu(*words)
        assert (code, out) == (78, ""), words
        assert err.splitlines()[-1].startswith("icu: ")
        assert hint in err
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["run", "patient", "--name", "X", "--require-broker"],
        ["run", "sink", "--require-broker"],
        ["run", "data", "--require-broker"],
        ["topics", "list"],
        ["topics", "create"],
        ["topics", "describe"],
    ],
)
def test_a_broker_that_is_needed_and_away_is_75(icu: Run, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """A broker that is away ends with 75; standard error has only the address, the reason and how to start one."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    code, out, err = icu(*words)
    assert (code, out) == (75, "")
    last = err.splitlines()[-1]
    assert last.startswith("icu: no connection to Kafka at 127.0.0.1:1: nothing listens there: start a broker")
    assert "Traceback" not in err
    assert "ERROR" not in err


USERS_OF_THE_DATABASE = {
    "upgrade": ["db", "upgrade"],
    "supervise": ["supervise"],
    "backfill": ["supervise", "--backfill", "1h"],
    "sink": ["run", "sink"],
    "monitor": ["run", "monitor"],
}


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://db/icu", "sqlite://", "sqlite:///:memory:", "nonsense", "sqlite:///icu.db?mode=memory"),
        *("sqlite:///file:icu.db", "sqlite:///a%00b", "sqlite:///a%0ab", "sqlite:///a%ffb", "sqlite:///a\udcffb"),
        *("sqlite:///.", "sqlite:////dev/null", f"sqlite:///{'x' * 300}", f"sqlite:///{'x' * 5_000}"),
    ],
    ids=lambda url: ascii(url)[:30],
)
@pytest.mark.parametrize("words", USERS_OF_THE_DATABASE.values(), ids=USERS_OF_THE_DATABASE)
def test_databases_that_cannot_be_used(icu: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], url: str) -> None:
    """A database that cannot be used ends every role that opens it at once, in one line."""
    monkeypatch.setenv("DATABASE_URL", url)
    code, _, err = icu(*words)
    assert code == 78
    assert "database" in err.splitlines()[-1].lower()
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["supervise"], ["run", "sink"], ["run", "data"]], ids="-".join)
def test_a_second_sink(icu: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]) -> None:
    """A second sink on the same database ends, however the path is spelt: the first one goes on."""
    monkeypatch.setenv("ICU_SUPERVISOR_SOCKET", str(tmp_path / "another.sock"))
    (tmp_path / "link.db").symlink_to("icu.db")
    first = files.lock(tmp_path / "icu.db")
    for url in ("sqlite:///icu.db", "sqlite:///link.db", f"sqlite:///{tmp_path}/icu.db"):
        monkeypatch.setenv("DATABASE_URL", url)
        code, _, err = icu(*words)
        assert (code, "Traceback" in err) == (78, False)
        assert "icu: another sink writes to" in err.splitlines()[-1]
    first.close()


def test_a_database_in_a_missing_folder(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in a missing folder is an error, and the folder is not created."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:///no/such/folder/icu.db")
    code, _, err = icu("db", "upgrade")
    assert code == 78
    assert "does not exist: create it" in err


def test_a_taken_port_says_what_to_type(icu: Run) -> None:
    """A taken port ends the monitor, and the whole ward, with advice on what to type."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for words in (["run", "monitor", "--port", port], ["supervise", "--port", port]):
            code, _, err = icu(*words)
            assert code == 78
            assert f"icu: port {port} on 127.0.0.1 is taken by another program" in err
            assert "--port" in err


def test_upgrading_the_database(icu: Run, tmp_path: Path) -> None:
    """`db upgrade` prints the changed versions, and changes nothing the second time."""
    assert icu("db", "upgrade")[:2] == (0, f"{tmp_path}/icu.db was brought from version none to {HEAD}\n")
    assert icu("db", "upgrade")[:2] == (0, f"{tmp_path}/icu.db is at version {HEAD} already\n")


def test_misspelt_variables_are_reported(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable of the environment causes a message."""
    monkeypatch.setenv("ICU_LOG_LEVLE", "DEBUG")
    code, _, err = icu("db", "upgrade")
    assert code == 0
    assert "ICU_LOG_LEVEL" in err


def test_a_child_is_not_run_by_hand(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child command by hand is an error, since its settings come from its supervisor."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = icu("run", "child", "bed-1")
    assert (code, err) == (
        64,
        "icu: `run child` is for supervisors: type run patient, run sink, run monitor or run upkeep\n",
    )


def test_an_error_that_nobody_foresaw_is_70(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error ends with 70: its stack is printed once, and the last line is short."""

    def broken(settings: object) -> str:
        raise TypeError("of the program's own")

    monkeypatch.setattr(database, "upgrade_database", broken)
    code, out, err = icu("db", "upgrade")
    assert (code, out) == (70, "")
    assert err.count("Traceback") == 1
    assert err.splitlines()[-1] == "icu: this was not foreseen, please report it: TypeError: of the program's own"
