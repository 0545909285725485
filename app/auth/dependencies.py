"""The doors: every route under /api/v1 names one in its signature, and the app refuses to start where one is missing.

| door                | who passes                              | a token needs | gives      |
|---------------------|-----------------------------------------|---------------|------------|
| `Public`            | anyone (`dependencies=[Public]`)        | -             | -          |
| `MaybeIdentity`     | anyone; tells who it is, if known       | -             | Identity?  |
| `CurrentUser`       | anyone signed in                        | `read`        | User       |
| `ReadIdentity`      | anyone signed in                        | `read`        | Identity   |
| `RankIdentity`      | anyone signed in                        | `rank`        | Identity   |
| `RunsIdentity`      | anyone signed in                        | `runs`        | Identity   |
| `DatasetsIdentity`  | anyone signed in                        | `datasets`    | Identity   |
| `SignedInPerson`    | a person in a browser                   | no token      | Identity   |
| `Operator`          | who runs this instance                  | `admin`       | Identity   |
| `ProjectMember`     | member of `{project_id}`                | `read`        | Access     |
| `ProjectReader`     | researcher or admin of it               | `read`        | Access     |
| `ProjectAnnotator`  | annotator or admin of it                | `rank`        | Access     |
| `ProjectPrompts`    | researcher or admin of it               | `prompts`     | Access     |
| `ProjectDatasets`   | researcher or admin of it               | `datasets`    | Access     |
| `ProjectResearcher` | researcher or admin of it               | `runs`        | Access     |
| `ProjectAdmin`      | admin of it                             | `admin`       | Access     |

A route addressed by another id (`/runs/{run_id}`) takes an `…Identity`, finds the row among
`visible_projects(identity)`, and asks `access_for(session, identity, project_id, roles=…)` for the role. What is not
there and what belongs to strangers is the same `NotFound`. Cookie-authenticated unsafe requests need `X-CSRF-Token`
and our own origin; a bearer token needs neither.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, FastAPI, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.auth import access, origin
from app.auth.access import Access, Identity
from app.auth.roles import Role, Scope
from app.auth.tables import User
from app.config import get_settings
from app.dependencies import SessionDep
from app.errors import Forbidden, NotSignedIn

GUARDED_PREFIX = "/api/v1"
COOKIE = "plackett_session"
# An id with one digit less fits into 64 bits for certain.
LONGEST_ID = 19
BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
ProjectId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The project's id.")]


class MissingDoorError(RuntimeError):
    """A route that does not say who may knock; the service does not start with one."""


def cookie_name() -> str:
    """The session cookie's name; over HTTPS its prefix makes the browser hold it to this very host."""
    return f"__Host-{COOKIE}" if get_settings().secure_cookies else COOKIE


def identify(request: Request, session: SessionDep, bearer: BearerDep) -> Identity | None:
    """Who is asking: the bearer token decides if there is one, else the session cookie; None when neither is there."""
    return identity_behind(request, session, bearer, partial(_find, _project_in(request)))


def _find(project_id: int | None, session: Session, cookie: str) -> Identity | None:
    return access.find_identity_of_cookie(session, cookie, project_id)


def identity_behind(
    request: Request,
    session: Session,
    bearer: HTTPAuthorizationCredentials | None,
    find: Callable[[Session, str], Identity | None],
) -> Identity | None:
    """Who sent a request; `find` looks for the person behind a cookie."""
    if bearer is not None:
        return access.identity_of_token(session, bearer.credentials)
    if request.headers.get("Authorization"):
        raise NotSignedIn("the Authorization header is not `Bearer plk_…`", advice="Send a token made under Tokens.")
    cookie = request.cookies.get(cookie_name())
    identity = find(session, cookie) if cookie else None
    if identity is not None and request.method not in origin.SAFE_METHODS:
        refuse_foreign_page(request)
        refuse_without_csrf_token(request, identity)
    return identity


def _project_in(request: Request) -> int | None:
    """The project in the path, so that the standing there can be looked up together with the person."""
    said = request.path_params.get("project_id", "")
    return int(said) if said.isdecimal() and len(said) < LONGEST_ID else None


def refuse_foreign_page(request: Request) -> None:
    """Refuse an unsafe request that another site's page sent."""
    headers = request.headers
    if not origin.is_same_origin(
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
        host=headers.get("host"),
        public_url=get_settings().public_url,
    ):
        raise Forbidden(
            "this request was sent by another site's page",
            type="foreign-origin",
            advice="Behind a proxy, set PLACKETT_PUBLIC_URL to the address people type.",
        )


def refuse_without_csrf_token(request: Request, identity: Identity) -> None:
    """Refuse a cookie-authenticated unsafe request that does not carry its session's CSRF token."""
    given = request.headers.get("x-csrf-token", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), (identity.csrf_token or "").encode()):
        raise Forbidden(
            "the header X-CSRF-Token is missing or not this session's",
            type="csrf",
            advice="Reload the page; programs should use an API token instead of a cookie.",
        )


IdentityFound = Annotated[Identity | None, Depends(identify)]


# What touches neither database nor disk is `async`: it runs where it is, without a trip to a thread and back.
async def public(request: Request) -> None:
    """Marks a route that anyone may call; an unsafe one still only from our own page or a program."""
    if request.method not in origin.SAFE_METHODS:
        refuse_foreign_page(request)


@dataclass(frozen=True)
class IdentityDoor:
    """Passes whoever is signed in; a token must have `scope`, and none passes where `scope` is None."""

    scope: Scope | None
    operator: bool = False

    async def __call__(self, identity: IdentityFound) -> Identity:
        return self.admit(identity)

    def admit(self, identity: Identity | None) -> Identity:
        """The person, if they may pass."""
        known = signed_in(identity)
        access.require_scope(known, self.scope)
        if self.operator and (not known.user.is_operator or known.is_bound):
            raise Forbidden("only the operator of this instance may do this", type="not-operator")
        return known


@dataclass(frozen=True)
class ProjectDoor:
    """Passes members of the project in the path who have one of `roles`; a token must have `scope`."""

    roles: frozenset[Role]
    scope: Scope

    async def __call__(self, identity: IdentityFound, session: SessionDep, project_id: ProjectId) -> Access:
        known = signed_in(identity)
        if access.known_access(known, project_id, roles=self.roles) is None:
            return await run_in_threadpool(self.admit, session, known, project_id)
        return self.admit(session, known, project_id)

    def admit(self, session: Session, identity: Identity | None, project_id: int) -> Access:
        """The person's standing in the project, if they may pass."""
        known = signed_in(identity)
        found = access.access_for(session, known, project_id, roles=self.roles)
        access.require_scope(known, self.scope)
        return found


def signed_in(identity: Identity | None) -> Identity:
    """The identity, or `NotSignedIn`."""
    if identity is None:
        raise NotSignedIn("this needs somebody who is signed in", advice="Sign in, or send an API token.")
    return identity


async def _identity_if_any(identity: IdentityFound, _open_to_all: Annotated[None, Depends(public)]) -> Identity | None:
    return identity


async def _user(identity: Annotated[Identity, Depends(IdentityDoor("read"))]) -> User:
    return identity.user


EVERYONE: frozenset[Role] = frozenset({"admin", "annotator", "researcher"})
RESEARCHERS: frozenset[Role] = frozenset({"admin", "researcher"})
ANNOTATORS: frozenset[Role] = frozenset({"admin", "annotator"})
ADMINS: frozenset[Role] = frozenset({"admin"})

Public = Depends(public)
MaybeIdentity = Annotated[Identity | None, Depends(_identity_if_any)]

CurrentUser = Annotated[User, Depends(_user)]
ReadIdentity = Annotated[Identity, Depends(IdentityDoor("read"))]
RankIdentity = Annotated[Identity, Depends(IdentityDoor("rank"))]
RunsIdentity = Annotated[Identity, Depends(IdentityDoor("runs"))]
DatasetsIdentity = Annotated[Identity, Depends(IdentityDoor("datasets"))]
SignedInPerson = Annotated[Identity, Depends(IdentityDoor(None))]
Operator = Annotated[Identity, Depends(IdentityDoor("admin", operator=True))]

ProjectMember = Annotated[Access, Depends(ProjectDoor(EVERYONE, "read"))]
ProjectReader = Annotated[Access, Depends(ProjectDoor(RESEARCHERS, "read"))]
ProjectAnnotator = Annotated[Access, Depends(ProjectDoor(ANNOTATORS, "rank"))]
ProjectPrompts = Annotated[Access, Depends(ProjectDoor(RESEARCHERS, "prompts"))]
ProjectDatasets = Annotated[Access, Depends(ProjectDoor(RESEARCHERS, "datasets"))]
ProjectResearcher = Annotated[Access, Depends(ProjectDoor(RESEARCHERS, "runs"))]
ProjectAdmin = Annotated[Access, Depends(ProjectDoor(ADMINS, "admin"))]


def access_for(
    session: Session, identity: Identity, project_id: int, *, roles: frozenset[Role] = EVERYONE, what: str = "project"
) -> Access:
    """What the person may do in the project; `NotFound` naming `what` for strangers, `Forbidden` for other roles."""
    return access.access_for(session, identity, project_id, roles=roles, what=what)


def visible_projects(identity: Identity) -> Select[int]:
    """A query of the ids of the projects that exist for this person, for `column.in_(…)`."""
    return access.visible_projects(identity)


def require_doors(app: FastAPI) -> None:
    """Call when the app is complete: raises `MissingDoorError` naming every guarded route without a door."""
    missing = [
        f"{sorted(route.methods or ())} {route.path}"
        for route in iter_route_contexts(app.routes)
        if (route.path or "").startswith(GUARDED_PREFIX) and not _is_guarded(route.path or "", route.dependant)
    ]
    if missing:
        raise MissingDoorError(f"no door (see app/auth/dependencies.py) on: {'; '.join(missing)}")


def _is_guarded(path: str, dependant: Dependant) -> bool:
    doors = list(_doors(dependant))
    if "{project_id}" in path:
        return any(isinstance(door, ProjectDoor) for door in doors)
    return bool(doors)


def _doors(dependant: Dependant) -> list[object]:
    own = [dependant.call] if dependant.call is public or isinstance(dependant.call, IdentityDoor | ProjectDoor) else []
    return [*own, *(door for inner in dependant.dependencies for door in _doors(inner))]
