"""Guidelines as versions: each save adds one, and everybody's judgment names the one that was at hand."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import audit, locks
from app.auth.tables import User
from app.errors import Conflict, NotFound, Unprocessable
from app.guidelines.tables import GuidelineVersion
from app.pagination import PageRequest, Rows, page_by_id
from app.projects.tables import Membership


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the guidelines and who saved it (None: the service itself)."""

    row: GuidelineVersion
    author: User | None


def save(session: Session, *, project_id: int, actor: User | None, text: str, basis: int | None) -> Version:
    """The new version with `text`; the newest one itself when it says the same already.

    `basis` is the number of the version that `text` was written from, None when there was none.

    Raises:
        Conflict: somebody saved another version since `basis`.
        Unprocessable: there are no guidelines yet, and `text` is empty.
    """
    locks.hold(session, f"guidelines:{project_id}")
    newest = find_newest(session, project_id)
    number = newest.row.number if newest else None
    if newest and newest.row.text == text:
        return newest
    if number != basis:
        raise Conflict(
            f"these guidelines were saved by somebody else in the meantime: version {number} is the newest",
            type="guidelines-changed",
            field="basis",
            advice="Nothing was saved. Look at the newest version, take over what you need, and save on top of it.",
        )
    if newest is None and not text:
        raise Unprocessable("the guidelines are empty", field="text", advice="Write something first.")
    row = GuidelineVersion(
        project_id=project_id, number=(number or 0) + 1, text=text, created_by=actor.id if actor else None
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="guidelines.saved",
        object_type="guideline_version",
        object_id=row.id,
        project_id=project_id,
        detail={"number": row.number, "characters": len(text)},
    )
    return Version(row, actor)


def find_newest(session: Session, project_id: int) -> Version | None:
    """The version that counts now, or None when nothing was ever written."""
    found = session.execute(
        select(GuidelineVersion, User)
        .outerjoin(User, User.id == GuidelineVersion.created_by)
        .where(GuidelineVersion.project_id == project_id)
        .order_by(GuidelineVersion.number.desc())
        .limit(1)
    ).one_or_none()
    return Version(*found) if found else None


def get_version(session: Session, project_id: int, number: int) -> Version:
    """The version with this number; `NotFound` when there is none."""
    found = session.execute(
        select(GuidelineVersion, User)
        .outerjoin(User, User.id == GuidelineVersion.created_by)
        .where(GuidelineVersion.project_id == project_id, GuidelineVersion.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"these guidelines have no version {number}")
    return Version(*found)


def list_versions(session: Session, project_id: int, page: PageRequest) -> Rows[Version]:
    """All versions, newest first."""
    query = select(GuidelineVersion).where(GuidelineVersion.project_id == project_id)
    rows = page_by_id(session, query, GuidelineVersion.id, page)
    written_by = {row.created_by for row in rows.items}
    people = {one.id: one for one in session.scalars(select(User).where(User.id.in_(written_by)))}
    return Rows(
        items=[Version(row, people.get(row.created_by or 0)) for row in rows.items], next_cursor=rows.next_cursor
    )


def note_seen(session: Session, membership: Membership, number: int) -> None:
    """Remember that this person was shown version `number`; an earlier one than they know changes nothing."""
    get_version(session, membership.project_id, number)
    session.execute(
        update(Membership)
        .where(Membership.project_id == membership.project_id, Membership.user_id == membership.user_id)
        .values(guideline_seen=func.greatest(func.coalesce(Membership.guideline_seen, 0), number))
    )
