"""Principals: keys and users that ask for something."""

import re
import unicodedata
from datetime import datetime
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from icu.access.roles import Role

PrincipalKind: TypeAlias = Literal["key", "user"]

# Characters of a name at most.
LONGEST_NAME: Final = 64

# Not like a key or a session's token: one that is typed in the place of a name would stand in the audit.
_NAME: Final = re.compile(r"\A(?!icus?_)\w[\w.@-]*\Z")


class Principal(Struct, frozen=True):
    """Key or user that asks, with the role that it has at this moment."""

    name: str
    kind: PrincipalKind
    role: Role
    # End of the role; None if it has none.
    expires: datetime | None = None
    # Role that the session had until it expired. Since then it has the role of a viewer. None for any other.
    lapsed: Role | None = None

    @property
    def by(self) -> str:
        """Name in the audit. No user can have that of a key: names have no colon."""
        return self.name if self.kind == "user" else f"{self.kind}:{self.name}"


def check_principal_name(name: str) -> str:
    """Return the name of a key or user in its normal form (NFC). Raises ValueError."""
    name = unicodedata.normalize("NFC", name)
    if len(name) > LONGEST_NAME or not _NAME.match(name):
        raise ValueError(
            f"a name has 1 to {LONGEST_NAME} letters, digits and . _ - @; it begins with a letter or a digit, and not "
            "like a key (icu_)"
        )
    return name
