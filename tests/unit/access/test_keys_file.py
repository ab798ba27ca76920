"""File of keys: lines, and mistakes in them."""

import re
from datetime import UTC, datetime
from string import hexdigits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.access.keys_file import FileKey, format_key, parse_keys
from icu.access.principals import check_principal_name
from icu.access.roles import Role

A, B = "a" * 64, "b" * 64
KEY = "icu_" + "k" * 43


def is_name(text: str) -> bool:
    """Tell if a text can be a name."""
    try:
        return check_principal_name(text) == text
    except ValueError:
        return False


names = st.text(min_size=1, max_size=64).filter(is_name)
times = st.none() | st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
keys = st.builds(
    FileKey,
    name=names,
    role=st.sampled_from([Role.VIEWER, Role.NURSE, Role.ADMIN]),
    sha256=st.text(hexdigits, min_size=64, max_size=64).map(str.lower),
    expires=times,
)


@given(st.lists(keys, unique_by=(lambda key: key.name, lambda key: key.sha256)))
def test_what_is_written_is_read(written: list[FileKey]) -> None:
    """Lines with comments and empty lines between give the keys that they were made of."""
    text = "# keys\n" + "".join(f"  {format_key(each)}  # of a ward\n\n" for each in written)
    assert parse_keys(text) == (written, [])


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Each line of any text gives a key, a mistake or nothing, and no mistake quotes the line."""
    found, mistakes = parse_keys(text)
    lines = text.split("\n")
    assert len(found) + len(mistakes) <= len(lines)
    assert all(1 <= each.line <= len(lines) for each in mistakes)


def test_ends_of_lines_and_marks_of_other_systems() -> None:
    """A file that an editor of Windows has saved is the same."""
    assert parse_keys(f"\ufeffa viewer {A}\r\n# b\r\nc nurse {B.upper()} 2027-01-31\r\n") == (
        [FileKey("a", Role.VIEWER, A, None), FileKey("c", Role.NURSE, B, datetime(2027, 1, 31, tzinfo=UTC))],
        [],
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a viewer", "has 2 words: write NAME ROLE SHA256HEX"),
        (f"a viewer {B} 2027-01-31 more", "has 5 words"),
        (f"a viewr {B}", "second word is no role: write one of viewer, nurse, admin"),
        (f"a public {B}", "second word is no role"),
        (f"a viewer {KEY}", "third word is no SHA-256 .* never the key itself"),
        (f"a {KEY} {B}", "second word is no role"),
        (f"{KEY} viewer {B}", "a name has 1 to 64"),
        (f"a viewer {B[:63]}", "third word"),
        (f"a viewer {B} 2027-01-32", "fourth word is no time: write for instance 2027-01-31"),
        (f"a viewer {B} 2027-01-31T12:00:00", "fourth word"),
        (f"a viewer {B} never", "fourth word"),
        (f"a viewer {B} 0001-01-01T00:00:00+23:59", "fourth word"),
        (f"first viewer {B}", "name has a key above"),
        (f"a viewer {A.upper()}", "hash stands above"),
    ],
)
def test_mistakes(line: str, why: str) -> None:
    """A mistake costs its own line, has its number, says what to write, and never quotes a key."""
    found, [mistake] = parse_keys(f"first viewer {A}\n\n{line}\nlast nurse {'c' * 64}")
    assert [each.name for each in found] == ["first", "last"]
    assert mistake.line == 3
    assert re.search(why, mistake.why)
    assert KEY not in mistake.why
