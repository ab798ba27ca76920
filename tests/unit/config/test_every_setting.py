"""Every key of supervisor.toml with an impossible value."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from icu.config.errors import ConfigurationError
from icu.config.load import load
from icu.config.settings import AnyChild, Settings

WRONG = {"a list": "[[1]]", "a date": "2026-01-31", "a table": "{ a = 1 }"}
CHILDREN = {each.__struct_config__.tag: each for each in get_args(AnyChild)}


def keys() -> Iterator[tuple[str, str, str]]:
    """Yield the lines before a key, the key, and its place in a mistake."""
    for name, kind in get_type_hints(Settings).items():
        if name == "child":
            continue
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from ((f"[{name}]\n", key, f"{name}.{key}") for key in get_type_hints(kind))
        else:
            yield "\n", name, name
    for role, child in CHILDREN.items():
        for key in get_type_hints(child):
            needed = '\nname = "Anna"' if role == "patient" and key != "name" else ""
            yield f'[[child]]\nrole = "{role}"{needed}\n', key, f"child[0].{key}"


CASES = [(before, key, where, value) for before, key, where in keys() for value in WRONG.values()]


@pytest.mark.parametrize(("before", "key", "where", "value"), CASES)
def test_a_wrong_value_names_file_line_and_key(tmp_path: Path, before: str, key: str, where: str, value: str) -> None:
    """A mistake in any key names its place, without the terms of a library."""
    path = tmp_path / "supervisor.toml"
    path.write_text(f"{before}{key} = {value}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    line = before.count("\n") + 1
    assert str(caught.value).startswith((f"{path}:{line}: {where}: ", f"{path}:{line}: {where}["))
    assert len(str(caught.value)) < 400
    assert not re.search("[Ee]xpected|[Ii]nvalid|null|got", str(caught.value))
