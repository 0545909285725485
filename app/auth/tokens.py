"""API tokens: made by a person in the browser, shown once, bounded by scopes and time, revoked at once."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.auth.access import Identity, visible_projects
from app.auth.keys import hash_secret, new_token, token_text
from app.auth.tables import ApiToken
from app.errors import Conflict, NotFound
from app.pagination import PageRequest, Rows, page_by_id

MOST_TOKENS = 100


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token's row, and its text, told once."""

    row: ApiToken
    text: str


def issue_token(
    session: Session,
    identity: Identity,
    *,
    name: str,
    scopes: list[str],
    project_id: int | None,
    expires_in_days: int,
) -> IssuedToken:
    """A new token for the person's own programs; with `project_id` it sees that project only."""
    _check(session, identity, project_id)
    parts = new_token()
    row = ApiToken(
        user_id=identity.user.id,
        project_id=project_id,
        name=name,
        lookup=parts.lookup,
        secret_hash=hash_secret(parts.secret),
        scopes=sorted(set(scopes)),
        expires_at=func.now() + timedelta(days=expires_in_days),
    )
    session.add(row)
    session.flush()
    _record(session, identity, "token.created", row)
    return IssuedToken(row=row, text=token_text(parts))


def list_tokens(session: Session, identity: Identity, page: PageRequest) -> Rows[ApiToken]:
    """The person's tokens, newest first, revoked ones too."""
    return page_by_id(session, select(ApiToken).where(ApiToken.user_id == identity.user.id), ApiToken.id, page)


def revoke_token(session: Session, identity: Identity, token_id: int) -> None:
    """End a token of the person's own; a second time changes nothing."""
    row = session.scalar(
        select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == identity.user.id).with_for_update()
    )
    if row is None:
        raise NotFound("there is no such token, or it is not yours")
    if row.revoked_at is None:
        row.revoked_at = func.now()
        _record(session, identity, "token.revoked", row)


def _check(session: Session, identity: Identity, project_id: int | None) -> None:
    if project_id is not None and project_id not in set(session.scalars(visible_projects(identity))):
        raise NotFound("there is no such project, or it is not yours to see", field="project_id")
    working = select(func.count()).where(
        ApiToken.user_id == identity.user.id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > func.now()
    )
    if (session.scalar(working) or 0) >= MOST_TOKENS:
        raise Conflict(f"you have {MOST_TOKENS} working tokens", advice="Revoke those that nothing uses any more.")


def _record(session: Session, identity: Identity, action: str, row: ApiToken) -> None:
    audit.record(
        session,
        actor=identity.user,
        action=action,
        object_type="token",
        object_id=row.id,
        project_id=row.project_id,
        detail={"name": row.name, "scopes": row.scopes},
    )
