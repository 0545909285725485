"""Doors of the requests that come with every judgment: whoever knocks is let in, served and answered on one trip.

Elsewhere the session, the person, their standing, the work and the commit are a dependency each, and every one that
asks the database is a trip to a thread and back. Here all of it is one trip, which with `app/statements.py` more than
halved the Python of such a request. The rows that say who asks are copies: they can be read, and changing one changes
nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.auth.access import HELD_IN_PROJECT, Access, Identity, find_and_hold
from app.auth.dependencies import ANNOTATORS, BearerDep, ProjectDoor, ProjectId, identity_behind
from app.auth.reading import TripDoor, expected_by
from app.db import new_session
from app.dependencies import finish, place_at_work, place_in

# One thread runs at a time in an interpreter: where requests are many and short, more only get in each other's way.
AT_ONCE: Final = 4
# The standard library's own threads: the way there and back costs two thirds of what it costs through anyio's.
THREADS: Final = ThreadPoolExecutor(AT_ONCE, "trip")
turns: WeakKeyDictionary[asyncio.AbstractEventLoop, CapacityLimiter] = WeakKeyDictionary()

Admitted = TypeVar("Admitted")
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, with headers of its own."""

    body: BaseModel
    headers: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Trip(Generic[Admitted]):
    """A request that was not let in yet. `admit` raises what refuses it, or says who and where it is."""

    admit: Callable[[Session], Admitted]

    async def make(self, work: Callable[[Session, Admitted], Reply], *, status: int = 200) -> Response:
        """Let the request in, do the work, commit, and answer; a refusal on the way leaves nothing behind."""
        async with place_in(_turn()), place_at_work():
            return await _in_a_thread(self._make, work, status)

    def _make(self, work: Callable[[Session, Admitted], Reply], status: int) -> Response:
        with new_session() as session:
            reply = work(session, self.admit(session))
            finish(session)
        return Response(reply.body.model_dump_json(), status, reply.headers, "application/json")

    async def knock(self) -> None:
        """Let the request in, as `make` would, and do nothing."""
        async with place_at_work():
            await _in_a_thread(self._knock)

    def _knock(self) -> None:
        with new_session() as session:
            self.admit(session)


async def _in_a_thread(work: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
    in_context = partial(copy_context().run, work, *given, **named)
    return await asyncio.get_running_loop().run_in_executor(THREADS, in_context)


def _turn() -> CapacityLimiter:
    loop = asyncio.get_running_loop()
    if loop not in turns:
        turns[loop] = CapacityLimiter(AT_ONCE)
    return turns[loop]


class TripRoute(APIRoute):
    """A route with a trip: who is not let in learns that, and nothing about what was wrong with the request.

    A request that is as expected is read the short way (`app/auth/reading.py`).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the door before what is said about an invalid body."""
        handle, expected = super().get_route_handler(), expected_by(self)

        async def handle_in_order(request: Request) -> Response:
            arguments = await expected.read(request) if expected else None
            if arguments is not None:
                answer: Response = await self.endpoint(**arguments)
                return answer
            try:
                return await handle(request)
            except RequestValidationError:
                trip = getattr(request.state, "trip", None)
                if trip is not None:
                    await trip.knock()
                raise

        return handle_in_order


def begin(
    request: Request,
    bearer: HTTPAuthorizationCredentials | None,
    find: Callable[[Session, str], Identity | None],
    admit: Callable[[Session, Identity | None], Admitted],
) -> Trip[Admitted]:
    """A trip of `request`: `find` looks for the person behind a cookie, `admit` decides what becomes of them."""
    trip = Trip(lambda session: admit(session, identity_behind(request, session, bearer, find)))
    request.state.trip = trip
    return trip


class ProjectTripDoor(ProjectDoor, TripDoor):
    """`ProjectDoor` for a trip; a person in a browser is held in the project on the way."""

    async def __call__(  # type: ignore[override]
        self, request: Request, bearer: BearerDep, project_id: ProjectId
    ) -> Trip[Access]:
        def find(session: Session, cookie: str) -> Identity | None:
            return find_and_hold(session, cookie, HELD_IN_PROJECT, {"project": project_id})

        return begin(request, bearer, find, lambda session, identity: self.admit(session, identity, project_id))


AnnotatorTrip = Annotated[Trip[Access], Depends(ProjectTripDoor(ANNOTATORS, "rank"))]
