"""Errors of requests whose client is not known, or may not do this. Each says what to do."""

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.errors import ConfigurationError
from icu.errors import Kind, PatientServiceException

ADD_A_KEY = "python -m icu keys add NAME --role viewer"


class KeylessError(ConfigurationError):
    """Others can reach the monitor, and there are no keys."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"there are no keys, and everybody who reaches {host} would see all patients, and command: add a key "
            f"({ADD_A_KEY}) or a user (python -m icu users add NAME --role nurse); or listen on 127.0.0.1; or show all "
            "to everybody with --insecure"
        )


class UnknownClientError(PatientServiceException):
    """The request has no credential, or none that is valid now."""

    kind = Kind.UNAUTHENTICATED


class RoleError(PatientServiceException):
    """The client is known, and its role may not do this."""

    kind = Kind.FORBIDDEN

    def __init__(self, principal: Principal, needed: Role) -> None:
        has = f"{principal.by} has the role {principal.role.value}"
        if principal.lapsed is not None and principal.lapsed.allows(needed):
            has = f"the time of {principal.by} as {principal.lapsed.value} is over: log in again"
        super().__init__(f"this needs the role {needed.value}; {has}")


class ProxiedWithoutKeysError(PatientServiceException):
    """A request came through a proxy, and there are no keys: the ward would be public."""

    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "this came through a proxy, and the ward has no keys: whoever reaches the proxy would see all patients. "
            f"Add a key: {ADD_A_KEY}"
        )


class RemoteWithoutKeysError(PatientServiceException):
    """A request came from another machine, and there are no keys."""

    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(f"the ward has no keys, and serves its own machine alone. Add a key: {ADD_A_KEY}")


class UndecidedError(PatientServiceException):
    """It is not known yet if there are keys."""

    kind = Kind.UNREADY

    def __init__(self, why: str) -> None:
        super().__init__(f"nobody comes in before the database has told if there are keys: {why}")


class PlainError(PatientServiceException):
    """A request came over plain HTTP from another machine."""

    kind = Kind.FORBIDDEN

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} over plain http, which others can read on the way: use https (`tls_certificate` and `tls_key` "
            "below [api], or a proxy that is named in `trusted_proxies`)"
        )


class CookieOriginError(PatientServiceException):
    """A command with a cookie does not come from a page of this server."""

    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "a command with a cookie needs the header Origin with this server's own address, as its pages send it; "
            "behind a proxy, name it in `trusted_proxies` below [api]; a program sends a key (Authorization: Bearer)"
        )


class ExcessError(PatientServiceException):
    """One key or person has as much at a time as is given to one."""

    kind = Kind.EXCESSIVE
