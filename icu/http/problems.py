"""Error responses as problem details (RFC 9457), the same on every face."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from loguru import logger
from msgspec import Meta, Struct, to_builtins

from icu.errors import IcuError, Kind
from icu.http.bodies import MAX_BODY
from icu.http.parameters import explain
from icu.http.references import own_reference

PROBLEM_JSON: Final = "application/problem+json"

# Seconds after which a client may ask again for what is not ready yet.
RETRY_AFTER: Final = 2

# The statuses of our errors by kind. Errors of other kinds are the server's own: 500, without their text.
STATUSES: Final[Mapping[Kind, HTTPStatus]] = {
    Kind.INVALID: HTTPStatus.BAD_REQUEST,
    Kind.SENSELESS: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.EXCESSIVE: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.MISSING: HTTPStatus.NOT_FOUND,
    Kind.UNKNOWN: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.UNSUPPORTED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Kind.UNACCEPTABLE: HTTPStatus.NOT_ACCEPTABLE,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.UNREADY: HTTPStatus.SERVICE_UNAVAILABLE,
}

# Characters of a detail, which may quote the request.
_MAX_DETAIL: Final = 500


class Problem(Struct, frozen=True, kw_only=True):
    """Problem details of an error (RFC 9457)."""

    type: Annotated[str, Meta(description="There are no kinds of problems beyond the status")] = "about:blank"
    title: Annotated[str, Meta(description="The status in words")]
    status: Annotated[int, Meta(ge=400, le=599, description="The HTTP status")]
    detail: Annotated[str, Meta(description="What is wrong with this request, and what to do")]
    instance: Annotated[str, Meta(description="What was asked for, relative to its own address")]


def exception_handler(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Build the response to an error that was raised while a request was served."""
    status, detail = _status_and_detail(request, error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.opt(exception=error).error("{} failed", request.scope["method"])
    detail = detail if len(detail) <= _MAX_DETAIL else f"{detail[:_MAX_DETAIL]}..."
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, instance=own_reference(request.scope)
    )
    headers = dict(getattr(error, "headers", None) or {})
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = str(RETRY_AFTER)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(problem, status_code=status, media_type=PROBLEM_JSON, headers=headers)


EXCEPTION_HANDLERS: Final[Mapping[Any, Any]] = {Exception: exception_handler, HTTPException: exception_handler}


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe the error responses of a route for OpenAPI."""
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description=HTTPStatus(status).phrase,
            examples=[Example(value=_example(status))],
        )
        for status in statuses
    }


def _example(status: int) -> Any:  # noqa: ANN401 - as it is in JSON
    detail = "what is wrong with this request, and what to do"
    return to_builtins(Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, instance="../some/path"))


def _status_and_detail(request: Request[Any, Any, Any], error: Exception) -> tuple[int, str]:
    # The text of an unexpected error stays in the log: it may hold paths or data.
    match error:
        case IcuError() if error.kind in STATUSES:
            return STATUSES[error.kind], str(error)
        case HTTPException():
            return error.status_code, _refusal(request, error)
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR, "an error of the server, which its log explains"


def _refusal(request: Request[Any, Any, Any], error: HTTPException) -> str:
    match error:
        case ValidationException():
            return _mistakes(request, error)
        case MethodNotAllowedException():
            return f"{request.scope['method']} is not taken at this path: /schema tells what is"
        case NotFoundException():
            return "nothing is served at this path: /schema tells what is"
        case RequestEntityTooLarge():
            return f"the body is too large: at most {MAX_BODY} bytes are taken"
        case _:
            return error.detail


def _mistakes(request: Request[Any, Any, Any], error: ValidationException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    handler = request.route_handler
    return "; ".join(explain(handler, each.get("key", ""), each.get("message", "")) for each in extra) or error.detail
