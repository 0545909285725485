"""The cast of the tests: people, their projects, browsers and tokens, with no password hashing in the way."""

from collections.abc import Callable
from itertools import count
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.auth import service, tokens
from app.auth.access import Identity
from app.auth.dependencies import cookie_name
from app.auth.roles import SCOPES, Role
from app.auth.tables import User
from app.projects.service import create_project
from app.projects.tables import Membership, Project

OpenClient = Callable[..., TestClient]
numbers = count(1)


def a_user(session: Session, *, name: str = "Ada", is_operator: bool = False) -> User:
    """A person without a password."""
    user = User(name=name, email=f"{name.lower()}-{next(numbers)}@example.org", is_operator=is_operator)
    session.add(user)
    session.flush()
    return user


def a_project(session: Session, *, admin: User | None = None, settings: dict[str, Any] | None = None) -> Project:
    """A project, with `admin` as its admin."""
    return create_project(session, creator=admin, name="Helpful answers", settings=settings)


def a_member(session: Session, project: Project, role: Role, *, name: str | None = None) -> User:
    """A new person with `role` in `project`."""
    user = a_user(session, name=name or role.capitalize())
    session.add(Membership(project_id=project.id, user_id=user.id, role=role))
    session.flush()
    return user


def browser(open_client: OpenClient, session: Session, user: User) -> TestClient:
    """A browser in which `user` is signed in, sending the CSRF token as the page does."""
    signed_in = service.sign_in(session, user)
    client = open_client()
    client.cookies.set(cookie_name(), signed_in.cookie)
    client.headers["X-CSRF-Token"] = signed_in.identity.csrf_token or ""
    return client


def program(
    open_client: OpenClient,
    session: Session,
    user: User,
    *,
    scopes: list[str] | None = None,
    project: Project | None = None,
) -> TestClient:
    """A program with a token of `user`; every scope unless told otherwise."""
    issued = tokens.issue_token(
        session,
        Identity(user=user),
        name="test",
        scopes=list(SCOPES) if scopes is None else scopes,
        project_id=project.id if project else None,
        expires_in_days=1,
    )
    client = open_client()
    client.headers["Authorization"] = f"Bearer {issued.text}"
    return client
