"""Requests to a route with a trip: read the short way or left to FastAPI, they are answered alike."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Request, Response
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.auth.reading import Expected
from app.auth.trips import AnnotatorTrip, TripRoute
from tests.app.cast import OpenClient, browser, program
from tests.app.judgment_rows import World, a_world, take

SHORT, LONG = "application/json", "application/json; charset=utf-8"
KEY = {"Idempotency-Key": "a-key-for-one-judgment"}


@pytest.fixture
def world(session: Session) -> World:
    """A project with a task."""
    world = a_world(session)
    world.task()
    return world


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each request that came was read the short way."""
    seen: list[bool] = []
    original = Expected.read

    async def noting(expected: Expected, request: Request) -> dict[str, Any] | None:
        arguments = await original(expected, request)
        seen.append(arguments is not None)
        return arguments

    monkeypatch.setattr(Expected, "read", noting)
    return seen


def test_both_ways_lead_to_the_same_task(client: OpenClient, world: World, read: list[bool]) -> None:
    knocking = browser(client, world.session, world.person())
    path = f"/api/v1/projects/{world.project.id}/tasks/claim"
    answers = [send(knocking, path, '{"holding": []}', kind) for kind in (SHORT, LONG)]
    answers.append(knocking.post(path).json())
    ids = {answer["assignment"]["id"] for answer in answers}
    assert (len(ids), read) == (1, [True, False, False])


WRONG = [
    "", "{", "[1, 2", '"text"', "null", "[]", "[" * 100_000, '{"tiers": NaN}', '{"tiers": [[1, 1e999]]}', "\ufeff{}",
    '{"tiers": [["1"]]}', '{"tiers": [[1]], "moves": 1.5}', '{"tiers": [[1]], "surprise": 1}',
    '{"rationale": "\\u0000"}',
    '{"tiers": [[99999999999999999999]]}', '{"tiers": [[true]]}', '{"rationale": "\\ud800", "tiers": [[1]]}',
]  # fmt: skip


@pytest.mark.parametrize("content", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_refused_in_the_same_words(
    client: OpenClient, world: World, read: list[bool], content: str
) -> None:
    person = world.person()
    path = f"/api/v1/assignments/{take(world, person).id}/ranking"
    knocking = browser(client, world.session, person)
    short, long = (send(knocking, path, content, kind, KEY) for kind in (SHORT, LONG))
    assert short["status"] in {400, 422}
    assert without_id(short) == without_id(long)
    assert read == [False, False]


@pytest.mark.parametrize("addressed", ["0", "x", "-1", "99999999999999999999", "%00"])
@pytest.mark.parametrize("headers", [KEY, {}, {"Idempotency-Key": "short"}], ids=["key", "none", "short"])
def test_an_id_or_a_key_that_is_none(
    client: OpenClient, world: World, read: list[bool], addressed: str, headers: dict[str, str]
) -> None:
    knocking = browser(client, world.session, world.person())
    path = f"/api/v1/assignments/{addressed}/ranking"
    short, long = (send(knocking, path, '{"tiers": [[1], [2]]}', kind, headers) for kind in (SHORT, LONG))
    assert short["status"] == 422
    assert without_id(short) == without_id(long)
    assert read == [False, False]


def test_a_token_always_goes_the_long_way(client: OpenClient, world: World, read: list[bool]) -> None:
    knocking = program(client, world.session, world.person())
    path = f"/api/v1/projects/{world.project.id}/tasks/claim"
    assert send(knocking, path, '{"holding": []}', SHORT)["assignment"] is not None
    assert read == [False]


def test_a_route_that_takes_more_than_its_trip_is_no_such_route() -> None:
    router = APIRouter(route_class=TripRoute)
    with pytest.raises(TypeError, match="besides its trip"):

        @router.post("/projects/{project_id}/things")
        async def things(trip: AnnotatorTrip, body: dict[str, int], loud: Annotated[bool, "a query"]) -> Response:
            return Response(f"{trip} {body} {loud}")


def send(
    knocking: TestClient, path: str, content: str, kind: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """The JSON of the answer to a body that says it is of this kind."""
    given = {"Content-Type": kind, **(headers or {})}
    answer: dict[str, Any] = knocking.post(path, content=content.encode(), headers=given).json()
    return answer


def without_id(problem: dict[str, Any]) -> dict[str, Any]:
    """The problem without the request's own id."""
    return {name: value for name, value in problem.items() if name != "request_id"}
