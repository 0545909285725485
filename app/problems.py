"""Refusals on the wire: `application/problem+json` (RFC 9457) with the field, what to do, and the request's id."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, InternalError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app import audit
from app.db import DatabaseNotConfiguredError
from app.errors import AppError, ServiceUnavailable, Unprocessable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
LONGEST_DETAIL = 1000
TITLES = {400: "The request could not be read", 404: "Not found", 405: "Method not allowed"}


class InvalidInput(BaseModel):
    """One input that is not valid."""

    field: str
    detail: str


class Problem(BaseModel):
    """What every refusal looks like. `type` is stable; programs may branch on it."""

    type: str
    title: str
    status: int
    detail: str
    advice: str | None = None
    field: str | None = None
    errors: list[InvalidInput] | None = None
    request_id: str | None = None


def respond(
    problem: Problem, *, retry_after_seconds: int | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The answer for `problem`, with the request's id filled in."""
    problem.request_id = audit.request_id.get()
    problem.detail = shown(problem.detail)
    problem.field = shown(problem.field) if problem.field else None
    for one in problem.errors or []:
        one.field, one.detail = shown(one.field), shown(one.detail)
    all_headers = dict(headers or {})
    if retry_after_seconds is not None:
        all_headers["Retry-After"] = str(retry_after_seconds)
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, status_code=problem.status, media_type=CONTENT_TYPE, headers=all_headers)


def shown(text: str) -> str:
    """Words that may repeat what was sent, cut to a length to read and free of what JSON cannot carry."""
    cut = text if len(text) <= LONGEST_DETAIL else text[:LONGEST_DETAIL] + "…"
    return cut.encode("utf-8", "replace").decode()


def of_app_error(error: AppError) -> Problem:
    """The wire form of a refusal that has a name."""
    return Problem(
        type=error.type or error.slug,
        title=error.title,
        status=error.status,
        detail=error.detail,
        advice=error.advice,
        field=error.field,
        errors=[InvalidInput(field=one["field"], detail=one["detail"]) for one in error.errors] or None,
    )


def field_name(location: Sequence[Any]) -> str:
    """`("body", "config", "seed")` → `config.seed`; the part that says "body" or "query" tells a person nothing."""
    parts = [str(part) for part in location if part not in {"body", "query", "path", "header", "cookie"}]
    return ".".join(parts) or "body"


def of_validation_error(error: RequestValidationError) -> Problem:
    """Each invalid input by name; the value itself is not echoed, it may be huge or not even JSON."""
    invalid = [InvalidInput(field=field_name(one["loc"]), detail=str(one["msg"])) for one in error.errors()]
    first = invalid[0]
    return Problem(
        type="invalid-input",
        title="The input is not valid",
        status=422,
        detail=f"{first.field}: {first.detail}" + (f" (and {len(invalid) - 1} more)" if len(invalid) > 1 else ""),
        field=first.field,
        errors=invalid[:50],
        advice="Correct the named fields and send the request again; nothing was changed.",
    )


def handle_app_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101 - the registration below guarantees it
    return respond(of_app_error(error), retry_after_seconds=error.retry_after_seconds)


def handle_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return respond(of_validation_error(error))


def handle_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error.__cause__, AppError):
        return handle_app_error(_request, error.__cause__)
    title = TITLES.get(error.status_code, str(error.detail))
    problem = Problem(
        type=title.lower().replace(" ", "-"), title=title, status=error.status_code, detail=str(error.detail)
    )
    return respond(problem, headers=dict(error.headers or {}))


def handle_unstorable(_request: Request, error: Exception) -> JSONResponse:
    """A value that no schema caught but the database cannot hold: a NUL, a lone surrogate, a number too large."""
    logger.info("a value could not be stored: %s", error)
    return respond(
        of_app_error(
            Unprocessable(
                "a value cannot be stored: it holds a NUL character, half a surrogate pair, or a number out of range",
                advice="Remove the character or correct the number; nothing was changed.",
            )
        )
    )


def handle_unavailable(_request: Request, error: Exception) -> JSONResponse:
    logger.warning("the database did not answer: %s", error)
    refusal = ServiceUnavailable(
        "the database did not answer in time",
        advice="Nothing was changed. Try again in a few seconds; your draft is kept in the browser.",
    )
    return respond(of_app_error(refusal), retry_after_seconds=3)


def handle_unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.exception("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    problem = Problem(
        type="internal",
        title="Something went wrong",
        status=500,
        detail="The service failed in a way it did not foresee. Nothing was changed.",
        advice="Try again; if it stays, give the request id below to whoever runs the service.",
    )
    return respond(problem)


def install(app: FastAPI) -> None:
    """Teach `app` to answer every error as a problem."""
    app.add_exception_handler(AppError, handle_app_error)
    app.add_exception_handler(RequestValidationError, handle_validation)
    app.add_exception_handler(HTTPException, handle_http)
    app.add_exception_handler(DataError, handle_unstorable)
    app.add_exception_handler(UnicodeEncodeError, handle_unstorable)
    app.add_exception_handler(StatementError, handle_unstorable)
    app.add_exception_handler(DBAPIError, handle_unexpected)
    # A server that failed over says "read-only" as an internal error for a while.
    for unavailable in (OperationalError, InterfaceError, InternalError, PoolTimeoutError, DatabaseNotConfiguredError):
        app.add_exception_handler(unavailable, handle_unavailable)
    app.add_exception_handler(Exception, handle_unexpected)
