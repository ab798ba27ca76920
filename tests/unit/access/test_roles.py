"""Roles and names of principals."""

import pytest

from icu.access.principals import Principal, check_principal_name
from icu.access.roles import Role, parse_role

ORDER = [Role.PUBLIC, Role.VIEWER, Role.NURSE, Role.ADMIN]


def test_each_role_may_what_the_ones_before_it_may() -> None:
    """Each role allows itself and the lesser ones, and none of the greater."""
    assert [[role.allows(needed) for needed in ORDER] for role in ORDER] == [
        [place >= needed for needed in range(4)] for place in range(4)
    ]


def test_nobody_is_given_the_role_of_all() -> None:
    """A key is no key of the role that needs none, and a wrong word names the right ones."""
    assert parse_role("nurse") is Role.NURSE
    for word in ("public", "Nurse", ""):
        with pytest.raises(ValueError, match="none of viewer, nurse, admin"):
            parse_role(word)


@pytest.mark.parametrize("name", ["anna", "Анна", "wall-3", "a.b@ward.example", "7", "x" * 64])
def test_names(name: str) -> None:
    """Names are of letters of any script, digits, and what stands in addresses."""
    assert check_principal_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "-a", "a\n", "x" * 65, "a#b", "icu_abc", "icus_abc", "a/b", "\ud800", "a\u202eb"]
)
def test_no_names(name: str) -> None:
    """Nothing that would break a line of the file, look like a key's author, or be a key."""
    with pytest.raises(ValueError, match="a name has 1 to 64"):
        check_principal_name(name)


def test_a_name_has_one_form() -> None:
    """A keyboard that types an accent by itself types the same name."""
    assert check_principal_name("Rene\u0301") == "Ren\u00e9"


def test_no_user_has_the_name_of_a_key() -> None:
    """In the audit, a key and a user of the same name are two."""
    assert Principal("anna", "user", Role.NURSE).by == "anna"
    assert Principal("anna", "key", Role.NURSE).by == "key:anna"
