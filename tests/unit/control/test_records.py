"""The most recent log records."""

import sys
import threading

import pytest
from loguru import logger

from icu.control.protocol import answer_decoder, encode_line
from icu.control.records import LONGEST_TEXT, RecentRecords, matches


@pytest.fixture
def records() -> RecentRecords:
    """A store of the last ten records."""
    records = RecentRecords(kept=10)
    logger.add(records, format="{message}", level="DEBUG")
    return records


def test_the_last_ones_are_kept(records: RecentRecords) -> None:
    """The last records are returned with their numbers, after any number."""
    assert records.after(0) == []
    for number in range(25):
        logger.info("{}", number)
    assert [number for number, _ in records.after(0)] == list(range(16, 26))
    assert [entry.message for _, entry in records.after(23)] == ["23", "24"]
    assert records.after(25) == []


def test_what_a_record_says(records: RecentRecords) -> None:
    """A record has time, level, message, child and context, and a stack of an error without its groups of one."""
    try:
        raise ExceptionGroup("group", [ValueError("no luck")])
    except ExceptionGroup:
        logger.bind(child="sink", delay=0.5, who=None).exception("died")
    [(_, entry)] = records.after(0)
    assert (entry.level, entry.message, entry.child) == ("ERROR", "died", "sink")
    assert entry.context == {"delay": "0.5", "who": "None"}
    assert entry.exception is not None
    assert "ValueError: no luck" in entry.exception
    assert "ExceptionGroup" not in entry.exception
    assert answer_decoder.decode(encode_line(entry)) == entry


def test_endless_texts_are_cut(records: RecentRecords) -> None:
    """Long texts are cut, so that a thousand records fit in memory."""
    logger.bind(value="y" * 100_000).info("x" * 100_000)
    [(_, entry)] = records.after(0)
    assert len(entry.message) == len(entry.context["value"]) == LONGEST_TEXT + 3


def test_threads_write_while_others_read(records: RecentRecords) -> None:
    """Records of many threads are neither lost nor repeated, and no reader fails."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    seen: list[int] = []
    try:
        threads = [threading.Thread(target=lambda: [logger.info("x") for _ in range(500)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen += [number for number, _ in records.after(seen[-1] if seen else 0)]
    finally:
        sys.setswitchinterval(interval)
    assert seen == sorted(set(seen))
    assert records.after(0)[-1][0] == 2_000


def test_children(records: RecentRecords) -> None:
    """The ids of all children with records are known."""
    logger.info("nobody's")
    logger.bind(child="gone").info("x")
    assert records.children() == {"gone"}


@pytest.mark.parametrize(
    ("child", "pattern", "meant"),
    [
        ("bed-1", None, True),
        (None, None, True),
        ("bed-1", "bed-1", True),
        ("bed-1", "bed-*", True),
        ("bed-[1]", "bed-[1]", True),
        ("bed-1", "bed", False),
        (None, "*", False),
    ],
)
def test_patterns(child: str | None, pattern: str | None, meant: bool) -> None:
    """An id, a pattern or nothing selects records."""
    assert matches(child, pattern) is meant
