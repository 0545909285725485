"""How a request to a route with a trip is read when it is as expected, without FastAPI's general ways of reading one.

What FastAPI does for any route (solving dependencies, telling kinds of bodies apart, collecting errors) costs about as
much of a small request's time as two of its statements. A cookie, a JSON body and an id that are right are read here,
by the route's own fields; a request that is anything else, or wrong in any way, is left to FastAPI, which answers it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

JSON: Final = "application/json"
INVALID: Final = object()


class TripDoor(ABC):
    """A door that makes a trip of the request, the bearer's token (None for a cookie) and the id in the path."""

    @abstractmethod
    async def __call__(self, request: Request, bearer: Any, addressed: int) -> Any:
        """The trip."""


class Field(Protocol):
    """A parameter of a route, as FastAPI keeps it."""

    @property
    def alias(self) -> str:
        """What it is called in a request."""

    @property
    def name(self) -> str:
        """What the endpoint calls it."""

    def validate(self, value: Any, values: dict[str, Any], *, loc: tuple[str, ...]) -> tuple[Any, Sequence[Any]]:
        """The valid value, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an endpoint takes: as `trip` what `door` makes of the id `addressed`, headers, and a body."""

    door: TripDoor
    trip: str
    addressed: Field
    headers: Sequence[Field]
    body: Field

    async def read(self, request: Request) -> dict[str, Any] | None:
        """The endpoint's arguments; None where the request is not as expected."""
        given = request.headers
        if "authorization" in given or given.get("content-type") != JSON:
            return None
        addressed = _valid(self.addressed, request.path_params.get(self.addressed.alias))
        read = {field.name: _valid(field, given.get(field.alias)) for field in self.headers}
        read[self.body.name] = _valid(self.body, await _said(request))
        if addressed is INVALID or INVALID in read.values():
            return None
        return {self.trip: await self.door(request, None, addressed), **read}


def expected_by(route: APIRoute) -> Expected | None:
    """What `route` expects; None where it takes no trip, or anything besides: it is always left to FastAPI."""
    own = route.dependant
    doors = [(one, call) for one in own.dependencies if isinstance(call := cast("object", one.call), TripDoor)]
    if not doors:
        return None
    if len(own.dependencies) > 1 or own.path_params or own.query_params or own.cookie_params:
        raise TypeError(f"{route.path}: besides its trip it may take headers and a body, nothing else")
    ((knocked, door),) = doors
    (addressed,), (body,) = knocked.path_params, own.body_params
    return Expected(door=door, trip=str(knocked.name), addressed=addressed, headers=own.header_params, body=body)


def _valid(field: Field, value: object) -> Any:
    if value is INVALID:
        return INVALID
    valid, errors = field.validate(value, {}, loc=())
    return INVALID if errors else valid


async def _said(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError, ClientDisconnect):
        return INVALID
