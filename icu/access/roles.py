"""Roles: each may do all that the ones before it may."""

from enum import Enum
from typing import Final

from icu.mistakes import explain_choice


class Role(Enum):
    """Role of a principal, or the one that a route needs. From the least to the greatest."""

    # The page's files, the log-in, health. Everybody has it.
    PUBLIC = "public"
    # All that is read, but for the audit and the dead letters.
    VIEWER = "viewer"
    # Commands about patients, and the audit.
    NURSE = "nurse"
    # Keys, users and dead letters.
    ADMIN = "admin"

    def allows(self, needed: "Role") -> bool:
        """Check if this role may do what needs the other one."""
        return _RANKS[self] >= _RANKS[needed]


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}

# Roles that keys and users can have.
GIVEN: Final = tuple(role.value for role in Role if role is not Role.PUBLIC)


def parse_role(word: str) -> Role:
    """Parse the role of a key or a user. Raises ValueError."""
    if word not in GIVEN:
        raise ValueError(explain_choice(word, GIVEN))
    return Role(word)
