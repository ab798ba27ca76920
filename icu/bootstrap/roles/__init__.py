"""All roles, each one value in a file of its own. Nothing else knows them all.

Their files import rooms where they build with them: a process pays only for the roles that it runs.
"""

from collections.abc import Mapping
from typing import Any, Final

from icu.bootstrap.roles.base import Role
from icu.bootstrap.roles.monitor import MONITOR
from icu.bootstrap.roles.patient import PATIENT
from icu.bootstrap.roles.sink import SINK
from icu.config.settings import AnyChild

# The role of a child, by the type of its settings.
ROLES: Final[Mapping[type[AnyChild], Role[Any]]] = {each.settings: each for each in (SINK, MONITOR, PATIENT)}
