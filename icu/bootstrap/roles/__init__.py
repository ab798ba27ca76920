"""Table of all roles. Each role is one value in a file of its own.

The files import other rooms inside functions: a process loads only the rooms of the roles that it runs.
"""

from collections.abc import Mapping
from typing import Any, Final

from icu.bootstrap.roles.base import Role
from icu.bootstrap.roles.monitor import MONITOR
from icu.bootstrap.roles.patient import PATIENT
from icu.bootstrap.roles.sink import SINK
from icu.bootstrap.roles.upkeep import UPKEEP
from icu.config.settings import AnyChild

# Roles by the type of a child's settings.
ROLES: Final[Mapping[type[AnyChild], Role[Any]]] = {each.settings: each for each in (SINK, MONITOR, UPKEEP, PATIENT)}
