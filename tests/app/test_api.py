"""How a request finds its route among all of them."""

import sys
from types import FrameType

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match

from app.api import OFTEN, ROUTERS
from app.main import create_app

CLAIM = "/api/v1/projects/1/tasks/claim"
SUBMIT = "/api/v1/assignments/1/ranking"


def ids(routers: list[APIRouter]) -> set[int]:
    """Routers as members of a set."""
    return {id(router) for router in routers}


def looked_at(app: FastAPI, path: str) -> set[int]:
    """The ids of the routers that had anything to do until a POST to `path` had found its route."""
    seen: list[APIRouter] = []

    def note(frame: FrameType, _event: str, _argument: object) -> None:
        if isinstance(one := frame.f_locals.get("self"), APIRouter):
            seen.append(one)

    scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        assert any(route.matches(dict(scope))[0] is Match.FULL for route in app.router.routes)
    finally:
        sys.setprofile(before)
    return ids(seen)


@pytest.mark.parametrize("path", [CLAIM, SUBMIT])
def test_what_annotators_send_all_day_is_looked_up_in_their_routers_alone(path: str) -> None:
    assert looked_at(create_app(), path) <= ids(OFTEN)


def test_a_router_between_them_is_asked_for_all_its_routes() -> None:
    between, app = APIRouter(prefix="/api/v1"), FastAPI()
    for router in ROUTERS:
        between.include_router(router)
    app.include_router(between)
    assert looked_at(app, CLAIM) >= ids(ROUTERS)
