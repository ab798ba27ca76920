"""The command `dead-letters`, as processes beside a ward that runs: looked at, replayed after a fix, and purged."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from icu.messages import Delivery, Position, Refusal
from icu.store.dead_letters.inserting import MAX_KEPT_BYTES
from icu.store.writer import open_writer
from tests.e2e.conftest import TIMEOUT, Start
from tests.letters import refused, store_letters
from tests.samples import observation
from tests.stores import execute, rows

Run = Callable[..., subprocess.CompletedProcess[str]]

LETTERS = [
    *refused(observation(1), observation(2)),
    Refusal(Delivery(0, 2, b"\xff", b"\x00\xff\x1b[2J" * 900), "malformed", "\x1b[31mno JSON"),
    Refusal(Delivery(0, 3, None, b"x" * (MAX_KEPT_BYTES + 1)), "malformed", "no JSON"),
    Refusal(Delivery(0, 4, None, None), "tombstone", "the record has no value"),
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """URL of the database of the ward in this folder."""
    return f"sqlite:///{tmp_path / 'icu.db'}"


@pytest.fixture
def letters(url: str) -> None:
    """Letters of a topic of before, whose first two are valid now."""

    async def write() -> None:
        async with open_writer(url, topic="icu.observations") as writer:
            await writer.begin({0: Position(0, "before")}, other_logs=frozenset())
            # Of today: the upkeep of the ward deletes old ones.
            await store_letters(writer, LETTERS, arrived=round(time.time() * 1000) - 2 * 3_600_000)

    anyio.run(write)


@pytest.fixture
def icu(tmp_path: Path) -> Run:
    """A function that runs `python -m icu dead-letters` with these words."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ICU_")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "icu", "dead-letters", *words],
            check=False,
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )

    return run


@pytest.mark.usefixtures("letters")
def test_from_a_refusal_to_a_reading(icu: Run, start: Start, url: str) -> None:
    """Listed, asked for, replayed by the sink of a ward that runs, shown as stored; once more it is a duplicate."""
    listed = icu("list", "--reason", "invalid")
    assert listed.stdout.splitlines()[-1] == "2 dead letters: 2 invalid"
    assert [line.split()[0] for line in listed.stdout.splitlines()[:-1]] == ["0:1", "0:0"]
    ward = start("supervise").ready()
    # The ward's log is another one than that of the letters.
    asked = icu("replay", "1/0:0", "--by", "Ines")
    assert (asked.stdout, asked.returncode) == ("1 dead letter to be replayed by the sink\n", 0)
    until(lambda: icu("show", "1/0:0").stdout, "outcome stored")
    refused_again = icu("replay", "1/0:0")
    assert (refused_again.returncode, refused_again.stderr.count("\n")) == (64, 1)
    assert "--again" in refused_again.stderr
    icu("replay", "1/0:0", "--again")
    until(lambda: icu("show", "1/0:0").stdout, "outcome duplicate")
    figures = ward.get("/metrics").text
    assert 'icu_sink_replays_total{outcome="stored"} 1.0' in figures
    assert 'icu_sink_replays_total{outcome="duplicate"} 1.0' in figures
    assert 'icu_dead_letters{reason="invalid"} 2.0' in figures
    assert ward.stop() == 0
    assert rows(
        url, "SELECT count(*) FROM patient_metrics WHERE timestamp BETWEEN 1769860801000 AND 1769860802000"
    ) == [(1,)]


def until(look: Callable[[], str], words: str) -> None:
    """Look until the words are there, with any blanks between them."""
    deadline = time.monotonic() + TIMEOUT
    while words not in " ".join((found := look()).split()):
        assert time.monotonic() < deadline, found


@pytest.mark.usefixtures("letters")
def test_a_letter_cannot_steer_a_terminal(icu: Run, url: str) -> None:
    """Bytes that are no text are dumped, and control characters of text are escaped, wherever they come from."""
    # No colour code, which click would take out.
    execute(url, "UPDATE dead_letters SET value = CAST('{' || char(27) || 'c}' AS BLOB) WHERE offset = 3")
    for words in (("list",), ("show", "0:2"), ("show", "0:3"), ("export",)):
        done = icu(*words)
        assert done.returncode == 0
        assert {each for each in done.stdout if not each.isprintable()} == {"\n"}
    shown = icu("show", "0:2").stdout
    assert "00000000  00 ff 1b 5b 32 4a 00 ff 1b 5b 32 4a 00 ff 1b 5b  ...[2J...[2J...[" in shown
    assert "base64 /w==" in shown
    assert "... 1304 bytes more: python -m icu dead-letters export 0:2" in shown


@pytest.mark.usefixtures("letters")
def test_pages_of_the_list(icu: Run) -> None:
    """A list that is cut says how to go on; behind its last letter the next one begins."""
    first = icu("list", "--limit", "2").stdout.splitlines()
    assert first[-1] == "more behind these: --after 0:3, or --limit"
    second = icu("list", "--limit", "3", "--after", "0:3").stdout.splitlines()
    assert [line.split()[0] for line in (*first[:2], *second[:3])] == ["0:4", "0:3", "0:2", "0:1", "0:0"]


@pytest.mark.usefixtures("letters")
def test_what_cannot_be_replayed_is_left_out(icu: Run) -> None:
    """Of all letters, those without their whole value are counted; by their ids they are refused."""
    done = icu("replay", "--all")
    assert done.stdout.splitlines() == [
        "3 dead letters to be replayed by the sink",
        "left out: 1 cut at 64 KiB, 1 without a value",
    ]
    waiting = icu("list", "--reason", "invalid").stdout
    assert waiting.count("waits") == 2
    cut = icu("replay", "0:3")
    assert (cut.returncode, "64 KiB" in cut.stderr) == (64, True)


@pytest.mark.usefixtures("letters")
def test_export_has_every_byte(icu: Run, tmp_path: Path) -> None:
    """A line of JSON for each letter, to a file or to standard output."""
    done = icu("export", "--out", "letters.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    written = [json.loads(line) for line in (tmp_path / "letters.jsonl").read_text().splitlines()]
    assert [each["offset"] for each in written] == [4, 3, 2, 1, 0]
    assert (written[2]["value_is_base64"], written[1]["is_cut"], written[0]["value"]) == (True, True, None)
    assert written[4]["value"].encode() == LETTERS[0].delivery.value
    [line] = icu("export", "0:0").stdout.splitlines()
    assert json.loads(line) == written[4]


@pytest.mark.usefixtures("letters")
def test_a_purge_says_what_it_would_delete_first(icu: Run, url: str) -> None:
    """Nothing is deleted without --yes; with it, what was chosen, and the audit has it."""
    told = icu("purge", "--reason", "malformed")
    assert told.stdout == "would delete 2 dead letters: 2 malformed\nnothing is deleted without --yes\n"
    assert icu("purge", "0:4").stdout == "would delete 1 dead letter\nnothing is deleted without --yes\n"
    assert rows(url, "SELECT count(*) FROM dead_letters") == [(5,)]
    assert icu("purge", "--reason", "malformed", "--yes", "--by", "Ines").stdout == "2 dead letters deleted\n"
    assert icu("purge", "0:4", "--yes", "--by", "Ines").stdout == "1 dead letter deleted\n"
    assert rows(url, "SELECT reason FROM dead_letters") == [("invalid",), ("invalid",)]
    assert (
        rows(url, 'SELECT "by", source, command, result FROM audit') == [("Ines", "command line", "purge", "done")] * 2
    )
    assert icu("purge", "--before", "1h", "--yes").stdout == "2 dead letters deleted\n"
    assert icu("list").stdout == "no dead letters\n"


MISTAKES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no letters": (("replay",), 64, "say which letters to replay"),
    "letters in two ways": (("purge", "0:0", "--all"), 64, "in one way"),
    "a choice beside ids": (("export", "0:0", "--reason", "key"), 64, "IDs name the letters"),
    "no id": (("show", "0-1"), 64, "PARTITION:OFFSET"),
    "an id of other digits": (("show", "0:٣"), 64, "PARTITION:OFFSET"),
    "an id of 5,000 digits": (("show", f"0:{'9' * 5_000}"), 64, "PARTITION:OFFSET"),
    "an unknown id": (("show", "0:99"), 4, "no dead letter has the id 0:99"),
    "no reason": (("list", "--reason", "nosuch"), 64, "none of malformed"),
    "no time": (("list", "--since", "yesterday"), 64, "is no time"),
    "a limit of 0": (("list", "--limit", "0"), 64, "--limit"),
    "an author that steers": (("replay", "0:0", "--by", "\x1b[2J"), 64, "--by"),
    "a misspelt command": (("lst",), 64, "list"),
}


@pytest.mark.usefixtures("letters")
def test_mistakes_are_one_line(icu: Run) -> None:
    """With the exit code of the mistake, and no stack."""
    for name, (words, code, told) in MISTAKES.items():
        done = icu(*words)
        assert (name, done.returncode, done.stderr.count("\n")) == (name, code, 1), done.stderr
        assert told in done.stderr, name
        assert done.stdout == ""


def test_without_a_database(icu: Run, tmp_path: Path) -> None:
    """Each command says what to start, and makes no file."""
    for words in (("list",), ("show", "0:0"), ("replay", "--all"), ("purge", "--all", "--yes")):
        done = icu(*words)
        assert (done.returncode, done.stderr.count("\n")) == (70, 1)
        assert "start the sink" in done.stderr
    assert list(tmp_path.glob("icu.db*")) == []
