"""Syntax errors of TOML in plain words: what to write, in place of the parser's own messages."""

import re
from collections.abc import Sequence
from typing import Final

_VALUE: Final = (
    'the value cannot be read: write "text" in quotes, true, false, a number, or a time such as 2026-01-31T12:00:00Z'
)
# Beginnings of tomllib's messages, with the text in their place. The first match counts.
_WORDS: Final[Sequence[tuple[str, str]]] = (
    (r"Expected '=' after a key", "write a setting as `key = value`, the key without spaces"),
    ("Invalid value|Expected newline or end of document", _VALUE),
    ("Cannot (?:overwrite|redefine)|Cannot mutate|Duplicate", "this stands in the file twice: write it once"),
    (r"Cannot declare \(.*\) twice", "this section stands in the file twice: put its settings together"),
    (r"Illegal character '\\n'", "the text has no closing quote"),
    ("Illegal character", "a control character cannot stand in the file: remove it"),
    ("Unclosed|Expected '\\]' at the end of an array", "a list has no closing bracket, or lacks a comma"),
    (r"Expected '\]", "a section's name has no closing bracket"),
    (r"Unescaped '\\'", r"a \ in quotes is written \\, or the text stands in single quotes"),
    ("Unterminated|Expected '\"|Expected \"'", "the text has no closing quote"),
)


def explain(why: str) -> str:
    """Translate an error of tomllib. Unknown messages are passed on."""
    matching = (words for pattern, words in _WORDS if re.match(pattern, why))
    return next(matching, f"this is no TOML: {why[:1].lower()}{why[1:]}")
