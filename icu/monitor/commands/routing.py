"""Common parts of all routes of commands: who may command, the author, and the answer to a conflict."""

from typing import Annotated, Any, Final, TypeAlias

from litestar import Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi import ResponseSpec
from msgspec import Meta, Struct, structs, to_builtins

from icu.bounds import MAX_NAME_LENGTH, check_name
from icu.http.errors import NotOnLoopbackError
from icu.http.hosts import over_loopback
from icu.http.problems import PROBLEM_JSON, Problem, documented, exception_handler
from icu.monitor.queries import AnyRequest, check_parameters
from icu.store.commands.door import Author
from icu.store.commands.errors import CommandConflictError, SenselessCommandError

# Option of the application: True where the server is bound to loopback alone.
BOUND_TO_LOOPBACK: Final = "bound_to_loopback"

Name: TypeAlias = Annotated[
    str,
    Meta(
        description=f"Name of the person who commands, 1 to {MAX_NAME_LENGTH} characters: it is kept as typed, and "
        "nobody checks it",
        examples=["Nurse Okafor"],
    ),
]


class Command(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Command of a person."""

    by: Name


class ConflictProblem(Problem, frozen=True, kw_only=True):
    """Problem details of a command that was meant for another state."""

    state: Annotated[dict[str, Any], Meta(description="State that holds, as the command answers it with 200")]


async def on_loopback(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Refuse commands from other machines, by NotOnLoopbackError: there are no keys yet."""
    if not (connection.app.opt.get(BOUND_TO_LOOPBACK) and over_loopback(connection.scope)):
        raise NotOnLoopbackError


def author_of(request: AnyRequest, by: str) -> Author:
    """Return the author of a command.

    Raises:
        InvalidQueryError: The request has parameters in its query.
        SenselessCommandError: That is no name.
    """
    check_parameters(request.query_params, ())
    client = request.client
    return Author(check_text("by", by), client.host if client else "unknown")


def check_text(field: str, text: str) -> str:
    """Return a text that a person typed, without blanks at its ends. SenselessCommandError for an unreadable one."""
    text = text.strip()
    try:
        return check_name(text)
    except ValueError as exc:
        raise SenselessCommandError(f"{field}: {exc}".replace("a name", "it")) from exc


def conflict(request: AnyRequest, error: CommandConflictError) -> Response[ConflictProblem]:
    """Answer with 409 and the state that holds."""
    response = exception_handler(request, error)
    problem = ConflictProblem(**structs.asdict(response.content), state=to_builtins(error.state))
    return Response(problem, status_code=response.status_code, media_type=PROBLEM_JSON, headers=response.headers)


def command(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - arguments of a route
    """Return the arguments that routes of commands have in common, with further ones."""
    responses = {
        **documented(400, 403, 404, 413, 415, 422, 503),
        409: ResponseSpec(
            ConflictProblem,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description="It was meant for another state: `state` holds",
        ),
    }
    return {
        "status_code": 200,
        "guards": [on_loopback],
        "responses": responses,
        "exception_handlers": {CommandConflictError: conflict},
        **more,
    }
