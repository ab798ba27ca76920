"""`keys` and `users`: what they print where, exit codes, and the file of keys."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from icu.access.keys_file import parse_keys
from icu.store.access.tokens import hash_of
from tests.stores import rows
from tests.unit.cli.conftest import Run

KEY = re.compile(r"\Aicu_[\w-]{43}\n\Z")


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of the database, which there is not yet."""
    url = f"sqlite:///{tmp_path / 'icu.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> "io.BytesIO":
    """Standard input, no terminal."""
    typed = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(typed))
    return typed


def test_a_key_is_shown_once(icu: Run, url: str) -> None:
    """The key alone is on standard output, for a script; nothing else shows it again, and its hash alone is stored."""
    code, key, err = icu("keys", "add", "wall-3", "--role", "viewer", "--expires", "90d")
    assert code == 0
    assert KEY.match(key)
    assert "shown this once" in err
    assert key.strip() not in err
    assert rows(url, "SELECT name, role, sha256, expires - created < 90 * 86400000 FROM api_keys") == [
        ("wall-3", "viewer", hash_of(key.strip()), 1)
    ]
    listed = icu("keys", "list")[1]
    assert re.fullmatch(
        r"wall-3  viewer  expires \d{4}-\d\d-\d\d \d\d:\d\d  added \d{4}-\d\d-\d\d \d\d:\d\d by \S+\n", listed
    )


def test_a_revoked_key_stays_in_the_list(icu: Run, url: str) -> None:
    """`revoke` says what it did, `list` shows when, and the audit who."""
    icu("keys", "add", "export", "--role", "nurse")
    assert "  valid  " in icu("keys", "list")[1]
    assert icu("keys", "revoke", "export")[:2] == (0, "the key export is revoked\n")
    assert "  revoked 2" in icu("keys", "list")[1]
    audit = rows(url, "SELECT command, source, \"by\" <> '' FROM audit")
    assert audit == [("key.add", "command line", 1), ("key.revoke", "command line", 1)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["keys", "add", "x"], "--role is missing"),
        (["keys", "add", "x", "--role", "viewr"], "did you mean 'viewer'"),
        (["keys", "add", "x", "--role", "public"], "none of viewer, nurse, admin"),
        (["keys", "add", "x", "--role", "nurse", "--expires", "90"], "has no unit"),
        (["keys", "add", "a b", "--role", "nurse"], "a name has 1 to 64"),
        (["keys", "add", "a b", "--role", "nurse", "--file", "keys.txt"], "a name has 1 to 64"),
        (["keys", "add", "wall", "--role", "nurse"], "wall exists: choose another name"),
        (["keys", "revoke", "nobody"], "no key of this name"),
        (["users", "remove", "nobody"], "no user of this name"),
        (["users", "add", "anna", "--role", "nurse", "--password", "x"], "--password"),
    ],
)
def test_mistakes(icu: Run, url: str, words: list[str], why: str) -> None:
    """A mistake is one line on standard error, and 64."""
    icu("keys", "add", "wall", "--role", "viewer")
    code, out, err = icu(*words)
    assert (code, out) == (64, "")
    assert why in err
    assert err.count("\n") == 1


def test_a_user_by_standard_input(icu: Run, url: str, typed: io.BytesIO) -> None:
    """A script gives the password as a line of standard input; nothing shows it."""
    typed.write("ein langes Paßwort\r\nmore\n".encode())
    typed.seek(0)
    code, out, err = icu("users", "add", "anna", "--role", "nurse")
    assert (code, err) == (0, "")
    assert out.startswith("the user anna (nurse) is in ")
    assert re.fullmatch(r"anna  nurse  added .* by \S+\n", icu("users", "list")[1])
    [(before,)] = rows(url, "SELECT hash FROM users")
    typed.seek(0)
    assert icu("users", "password", "anna")[0] == 0
    assert rows(url, "SELECT hash FROM users") != [(before,)]
    assert icu("users", "remove", "anna")[:2] == (0, "the user anna is removed\n")
    assert "Paßwort" not in out + json.dumps(rows(url, "SELECT * FROM audit"), ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "standard input holds no password"),
        (b"\n", "standard input holds no password"),
        (b"short\n", "has 5 characters, and needs at least 12"),
        (b"\xff" * 12, "not written in UTF-8"),
        (b"x" * 20_000, "over 1000 characters"),
    ],
)
def test_no_password(icu: Run, url: str, typed: io.BytesIO, text: bytes, why: str) -> None:
    """Without a good password nobody is added, and the message does not show it."""
    typed.write(text)
    typed.seek(0)
    code, _, err = icu("users", "add", "anna", "--role", "nurse")
    assert code == 64
    assert why in err
    assert err.count("\n") == 1
    assert "xxxx" not in err
    assert icu("users", "list")[1] == ""


def test_a_file_of_keys(icu: Run, tmp_path: Path) -> None:
    """`--file` appends a line to the file, whatever its last line ends with, and needs no database."""
    path = tmp_path / "keys.txt"
    keys = [icu("keys", "add", "wall-3", "--role", "viewer", "--file", "keys.txt")[1]]
    path.write_text(path.read_text() + "# of the export, without an end")
    keys.append(icu("keys", "add", "export", "--role", "nurse", "--expires", "90d", "--file", "keys.txt")[1])
    assert all(map(KEY.match, keys))
    found, mistakes = parse_keys(path.read_text())
    assert [(each.name, each.role.value, each.sha256) for each in found] == [
        ("wall-3", "viewer", hash_of(keys[0].strip())),
        ("export", "nurse", hash_of(keys[1].strip())),
    ]
    assert [each.expires is None for each in found] == [True, False]
    assert not mistakes
    assert not (tmp_path / "icu.db").exists()


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        (f"wall viewer {'a' * 64}\n", 64, "keys.txt has a key wall"),
        (f"\nwall {'a' * 64}\n", 78, "keys.txt:2: has 2 words"),
        ("wall viewer \udcff", 78, "keys.txt is not written in UTF-8 (byte 12)"),
    ],
)
def test_a_file_that_takes_no_key(icu: Run, tmp_path: Path, text: str, code: int, why: str) -> None:
    """A file with a mistake, or with the name, stays as it is, and no key is shown."""
    path = tmp_path / "keys.txt"
    path.write_text(text, errors="surrogateescape")
    before = path.read_bytes()
    assert icu("keys", "add", "wall", "--role", "viewer", "--file", "keys.txt")[:2] == (code, "")
    assert why in icu("keys", "add", "wall", "--role", "viewer", "--file", "keys.txt")[2]
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written(icu: Run, tmp_path: Path) -> None:
    """A key whose line cannot be written is not shown: it would never be valid."""
    code, out, err = icu("keys", "add", "wall", "--role", "viewer", "--file", "nowhere/keys.txt")
    assert (code, out) == (74, "")
    assert "cannot be written: No such file" in err
