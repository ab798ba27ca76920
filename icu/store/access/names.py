"""Names of keys and users, as commands take them."""

from icu.access.principals import check_principal_name
from icu.store.commands.errors import SenselessCommandError


def checked_name(name: str) -> str:
    """Return the name in its normal form. Raises SenselessCommandError."""
    try:
        return check_principal_name(name)
    except ValueError as exc:
        raise SenselessCommandError(str(exc)) from exc
