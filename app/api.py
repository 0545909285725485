"""The API's table of contents: every router, in pipeline order. Each domain adds its own line."""

from fastapi import APIRouter

from app.auth.people_router import router as people
from app.auth.router import router as auth
from app.projects.router import router as projects

ROUTERS: list[APIRouter] = [
    auth,
    projects,
    people,
]

api = APIRouter(prefix="/api/v1")
for router in ROUTERS:
    api.include_router(router)
