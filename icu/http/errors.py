"""Errors of HTTP servers, and of requests to any route."""

from icu.config.errors import ConfigurationError
from icu.errors import IcuError, Kind, PatientServiceException


class AddressInUseError(ConfigurationError):
    """Another program listens on the address."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} on {host} is taken by another program: stop it, or choose another port "
            f"(--port on the command line, `port = ` in supervisor.toml)"
        )


class ServerError(IcuError):
    """An HTTP server did not start, or ended by itself."""


class UnknownHostError(PatientServiceException):
    """The Host header of the request does not name this server."""

    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(
            "the Host header does not name this server: call it 127.0.0.1, or list the name (`hosts` under [api]), "
            "behind a proxy the one that people know the proxy by"
        )


class UnreadableBodyError(PatientServiceException):
    """The body of the request cannot be read, for the reason in the message."""

    kind = Kind.INVALID


class ForeignOriginError(PatientServiceException):
    """A page of an unknown origin sent a command."""

    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "pages of this origin may not command this server: list the origin (`cors_origins` under [api]); "
            "a page without one (`null`), from a file or a sandboxed frame, has to be served by a web server"
        )


class NotOnLoopbackError(PatientServiceException):
    """Another machine asks a port that knows no keys for more than health and figures."""

    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "this port knows no keys: it serves others health and figures alone. Ask on its own machine, without a "
            'proxy, where it is bound to loopback (`host = "127.0.0.1"`); or ask the monitor'
        )


class RouteWithoutRoleError(PatientServiceException):
    """The route names no role: nobody may use it."""

    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("this route names no role that it needs, so it is closed to everybody: report it as a mistake")


class BodyTypeError(PatientServiceException):
    """The Content-Type of the request's body is not JSON."""

    kind = Kind.UNSUPPORTED

    def __init__(self) -> None:
        super().__init__("a body is taken as JSON alone: send it as such, with `Content-Type: application/json`")


class TooManyConnectionsError(PatientServiceException):
    """All connections of this process are busy."""

    kind = Kind.UNREADY

    def __init__(self) -> None:
        super().__init__("too many connections are open here: ask again in a moment, and close those that are not used")
