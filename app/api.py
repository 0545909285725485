"""The API's table of contents: every router. Each domain adds its own line."""

from fastapi import APIRouter, FastAPI

from app.auth.people_router import router as people
from app.auth.router import router as auth
from app.completions.router import router as completions
from app.datasets.router import router as datasets
from app.demonstrations.router import router as demonstrations
from app.desk.router import router as desk
from app.gold.router import router as gold
from app.guidelines.router import router as guidelines
from app.lineage.router import router as lineage
from app.loop.blind_router import router as blind_comparisons
from app.loop.drift_router import router as drift
from app.loop.router import router as loop
from app.people.router import router as changing_people
from app.projects.router import router as projects
from app.prompts.router import router as prompts
from app.rankings.router import router as rankings
from app.registry.router import router as registry
from app.reports.router import router as reports
from app.runs.router import router as runs
from app.tasks.router import router as tasks
from app.webhooks.router import router as webhooks

# A request looks through the routes from the first on: the ones that annotators call all day stand in front.
OFTEN: list[APIRouter] = [desk, rankings, tasks]
ROUTERS: list[APIRouter] = [
    *OFTEN,
    auth,
    projects,
    people,
    changing_people,
    guidelines,
    prompts,
    registry,
    completions,
    gold,
    reports,
    demonstrations,
    datasets,
    runs,
    lineage,
    loop,
    blind_comparisons,
    drift,
    webhooks,
]


def install(app: FastAPI) -> None:
    """Include every router in `app` itself: each request would count all routes of a router between them."""
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
