"""The web service: errors, limits, the API, the page."""

import logging

from fastapi import FastAPI

from app import api, health, pages, problems
from app.auth.dependencies import require_doors
from app.config import get_settings
from app.middleware import BodyLimit, RequestContext
from app.runs.kinds import require_known_kinds

DESCRIPTION = """Upload prompts, rank completions, train the reward model, run PPO, download the data.

Sign in with a cookie (the page does) or send `Authorization: Bearer plk_…`. Every refusal is
`application/problem+json` with a stable `type`."""


def create_app() -> FastAPI:
    """The application, ready to serve; reads the settings, touches neither database nor Redis."""
    settings = get_settings()
    require_known_kinds(settings)
    logging.getLogger("plackett").setLevel(settings.log_level.upper())
    app = FastAPI(
        title="Plackett",
        version=health.VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={"default": {"model": problems.Problem, "description": "A refusal, as problem+json."}},
    )
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(RequestContext, settings=settings)
    problems.install(app)
    api.install(app)
    app.include_router(health.router)
    pages.install(app)
    require_doors(app)
    return app
