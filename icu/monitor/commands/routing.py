"""Common parts of all routes of commands: who may command, the author, and the answer to a conflict."""

from typing import Annotated, Any, TypeAlias

from litestar import Response
from litestar.openapi import ResponseSpec
from msgspec import Meta, Struct, structs, to_builtins

from icu.bounds import MAX_NAME_LENGTH, check_name
from icu.http.clients import address_of_client
from icu.http.errors import UnreadableBodyError
from icu.http.gate import NURSE
from icu.http.problems import PROBLEM_JSON, Problem, documented, exception_handler
from icu.monitor.access.gate import caller_of
from icu.monitor.queries import AnyRequest, check_parameters
from icu.store.commands.door import Author
from icu.store.commands.errors import CommandConflictError, SenselessCommandError

Name: TypeAlias = Annotated[
    str,
    Meta(
        description=f"Name of the person who commands, 1 to {MAX_NAME_LENGTH} characters, where nobody needs a key: "
        "it is kept as typed. With a key or a session their own name is kept, and this one is not read",
        examples=["Nurse Okafor"],
    ),
]


class Command(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Command of a person."""

    by: Name | None = None


class ConflictProblem(Problem, frozen=True, kw_only=True):
    """Problem details of a command that was meant for another state."""

    state: Annotated[dict[str, Any], Meta(description="State that holds, as the command answers it with 200")]


def author_of(request: AnyRequest, by: str | None) -> Author:
    """Return the author of a command: the key or person that is known, or else the name as typed.

    Raises:
        InvalidQueryError: The request has parameters in its query.
        SenselessCommandError: That is no name.
        UnreadableBodyError: There is none.
    """
    check_parameters(request.query_params, ())
    source, caller = address_of_client(request.scope), caller_of(request.scope)
    if caller is not None:
        return Author(caller.principal.by, source)
    if by is None:
        raise UnreadableBodyError("by is missing")
    return Author(check_text("by", by), source)


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
        **documented(400, 401, 403, 404, 413, 415, 422, 503),
        409: ResponseSpec(
            ConflictProblem,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description="It was meant for another state: `state` holds",
        ),
    }
    return {
        "status_code": 200,
        "opt": NURSE,
        "responses": responses,
        "exception_handlers": {CommandConflictError: conflict},
        **more,
    }
