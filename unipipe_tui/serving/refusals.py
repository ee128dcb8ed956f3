"""The one form in which a request is refused: `{"error": ..., "problems": [...]}`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from unipipe_tui.serving.validation import Problem, Problems


class Refusing(Exception):
    """Ends the answering of a request with a status and a reason."""

    def __init__(
        self, status: int, error: str, problems: Sequence[Problem] = (), retry_seconds: int | None = None
    ) -> None:
        super().__init__(error)
        self.headers = None if retry_seconds is None else {"Retry-After": str(retry_seconds)}
        self.status = status
        self.error = error
        self.problems = tuple(problems)


def refusal(
    status: int, error: str, problems: Sequence[Problem] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that says why; ASCII throughout, since a field's name may hold what UTF-8 cannot."""
    body = json.dumps({"error": error, "problems": [asdict(problem) for problem in problems]})
    return Response(body, status, headers, media_type="application/json")


def refuse_with(problems: Problems) -> Refusing:
    """422 for fields that do not fit."""
    listed = len(problems.listed)
    more = "" if listed == problems.total else f"; the first {listed} are listed"
    noun = "field does" if problems.total == 1 else "fields do"
    return Refusing(422, f"{problems.total} {noun} not fit the model's signature{more}.", problems.listed)


def refuse_form(found: Iterable[tuple[Sequence[Any], str]]) -> Refusing:
    """422 for a body that is not of the form asked for; each place in it with what is wrong there."""
    problems = Problems()
    for location, reason in found:
        record, name = _place(location)
        problems.add(record, name, reason)
    return Refusing(422, "The body does not have the form that is described at /docs.", problems.listed)


def install_refusals(app: FastAPI) -> None:
    """Give every refusal of the framework the same form as ours."""

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusing)
        return refusal(error.status, error.error, error.problems, error.headers)

    async def misshapen(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        told = refuse_form([(found["loc"][1:], str(found["msg"])) for found in error.errors()])
        return refusal(told.status, told.error, told.problems)

    async def not_done(_request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        return refusal(error.status_code, str(error.detail), headers=error.headers)

    app.add_exception_handler(Refusing, refused)
    app.add_exception_handler(RequestValidationError, misshapen)
    app.add_exception_handler(StarletteHTTPException, not_done)
    app.add_exception_handler(HTTPException, not_done)


def _place(location: Sequence[Any]) -> tuple[int | None, str]:
    """`("records", 3, "amount")` is field `amount` of record 3; without a number it is the request's."""
    parts = list(location)
    if len(parts) >= 2 and isinstance(parts[1], int):
        return parts[1], ".".join(str(part) for part in parts[2:]) or str(parts[0])
    return None, ".".join(str(part) for part in parts if not isinstance(part, int)) or "body"
