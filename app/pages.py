"""The browser's files: the built page with its fallback, and the API's documentation without a CDN."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.responses import Response as StarletteResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.errors import NotFound

BUILT = Path(__file__).parent.parent / "frontend" / "dist"
DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plackett API</title>
<link rel="stylesheet" href="/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/swagger/swagger-ui-bundle.js"></script>
<script src="/swagger/init.js"></script>
</body>
</html>
"""
NOT_BUILT = "The page is not built yet: run `make run`, or `npm run build` in frontend/. The API answers at /api/docs."

router = APIRouter(include_in_schema=False)


class ImmutableFiles(StaticFiles):
    """Files whose names carry a hash of their content: a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> StarletteResponse:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


@router.get("/api/docs")
def documentation() -> HTMLResponse:
    """Swagger UI over `/api/openapi.json`."""
    return HTMLResponse(DOCS)


@router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def unknown_endpoint(path: str) -> Response:
    """An address under /api that nobody serves is a JSON 404, never the page."""
    raise NotFound(f"there is no endpoint /api/{path[:200]}", advice="The list of endpoints is at /api/docs.")


@router.get("/{path:path}")
def page(path: str) -> Response:
    """A file at the root of the build (an icon), or the page itself, whose router takes the address from there."""
    index = BUILT / "index.html"
    if not index.is_file():
        return Response(NOT_BUILT, media_type="text/plain", status_code=503)
    top_level = {file.name: file for file in BUILT.iterdir() if file.is_file()}
    return FileResponse(top_level.get(path, index), headers={"Cache-Control": "no-cache"})


def install(app: FastAPI) -> None:
    """Mount the built files and, last of all routes, the fallbacks."""
    app.mount("/assets", ImmutableFiles(directory=BUILT / "assets", check_dir=False), name="assets")
    app.mount("/swagger", StaticFiles(directory=BUILT / "swagger", check_dir=False), name="swagger")
    app.include_router(router)
