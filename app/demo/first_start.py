"""The first start: a demo project with a task on the screen at once, and the link that makes the first admin."""

import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import locks
from app.auth.invitations import issue_first_admin_link
from app.auth.service import setup_needed
from app.config import get_settings
from app.db import transaction
from app.demo import starter
from app.projects.tables import Project

LINK_FILE = "first-admin-link"


def first_start(url: str) -> str | None:
    """Make the demo project if nothing is there yet; the first admin's link under `url`, while there is no admin."""
    with transaction() as session:
        locks.hold(session, "first_start")
        if get_settings().demo and is_empty(session):
            starter.make_demo(session)
        needed = setup_needed(session)
    return first_admin_link(url) if needed else None


def is_empty(session: Session) -> bool:
    """Whether no project was ever made here."""
    return session.scalar(select(Project.id).limit(1)) is None


def first_admin_link(url: str) -> str:
    """A new one-time link under `url`, written to the data folder for its owner's eyes; older links stop working.

    The token sits behind the `#`, which a browser keeps to itself: it reaches no server log.
    """
    with transaction() as session:
        link = f"{url.rstrip('/')}/welcome#{issue_first_admin_link(session)}"
    write_privately(get_settings().data_dir / LINK_FILE, link + "\n")
    return link


def write_privately(path: Path, text: str) -> None:
    """Write a file that only its owner may read, even for the moment of writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
