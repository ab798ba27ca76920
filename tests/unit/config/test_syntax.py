"""Syntax errors of TOML in plain words."""

import tomllib

import pytest

from icu.config.syntax import explain

WRONG = {
    "a = = 1": "the value cannot be read: write ",
    "a = 1 2": "the value cannot be read: write ",
    "a b = 1": "write a setting as `key = value`",
    "a = 1\na = 2": "this stands in the file twice",
    "a = 1\n[a]": "this stands in the file twice",
    "a = {b = 1}\na.c = 1": "this stands in the file twice",
    "a = {b = 1, b = 2}": "this stands in the file twice",
    "[a]\n[a]": "this section stands in the file twice",
    'a = "b\n': "the text has no closing quote",
    "a = 'b\n": "the text has no closing quote",
    'a = """b': "the text has no closing quote",
    "a = [1": "a list has no closing bracket",
    "[a": "a section's name has no closing bracket",
    "[[a]": "a section's name has no closing bracket",
    r'a = "\z"': r"a \ in quotes is written \\",
    'a = "\x01"': "a control character cannot stand in the file",
    "= 1": "this is no TOML: invalid statement",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_common_errors(text: str, said: str) -> None:
    """Common errors say what to write; others keep the parser's message."""
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(f"{text}\n")
    assert explain(str(caught.value)).startswith(said)
