"""Settings and roles in messages, taken from the structs alone."""

from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest
from msgspec import Struct

from icu.config.settings import AnyChild, Child, Settings, SinkChild
from icu.config.wording import explain, kinds_of, roles_of, unknown_setting


class Pantry(Struct, frozen=True):
    """A section."""

    jars: int = 3


class CookChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="cook"):
    """An invented role."""

    dishes: int = 1


class House(Struct):
    """Settings with one more section and one more role."""

    pantry: Pantry = Pantry()
    child: tuple[SinkChild | CookChild, ...] = ()


def test_a_new_struct_makes_its_settings_known() -> None:
    """A new section or role is known from the struct of the settings, and listed nowhere else."""
    kinds = kinds_of(House)
    assert (kinds["jars"], kinds["dishes"]) == (int, int)
    assert {"pantry", "child", "count", "port"} <= kinds.keys()
    assert "kafka" not in kinds


def test_a_new_struct_makes_its_role_known() -> None:
    """Roles are known by their tags, and the sink by the brief's name too."""
    assert roles_of(SinkChild | CookChild) == ["sink", "data", "cook"]
    assert explain("role", "Invalid value 'kook'").startswith("'kook' is none of sink, data, monitor, upkeep, patient")


def settings() -> Iterator[str]:
    """All keys of a file."""
    for struct in (Settings, *get_args(AnyChild)):
        for name, kind in get_type_hints(struct).items():
            yield name
            if isinstance(kind, type) and issubclass(kind, Struct):
                yield from get_type_hints(kind)


@pytest.mark.parametrize("name", sorted(set(settings())))
def test_mistyped_settings_get_a_suggestion(name: str) -> None:
    """Each setting is suggested for a name close to it."""
    assert unknown_setting(f"{name}x") == f"there is no such setting; did you mean {name!r}?"
