"""Who is asking, and what they may do in a project. Foreign and absent projects are one and the same."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from app.auth.keys import hash_secret, parse_token, same_secret
from app.auth.roles import Role, Scope
from app.auth.tables import ApiToken, SignInSession, User
from app.config import get_settings
from app.errors import Forbidden, NotFound, NotSignedIn
from app.projects.tables import Membership, Project

TOUCH_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person, by the session of a browser or by an API token.

    `standing`: their project and membership, where the project they ask about was looked up together with them.
    """

    user: User
    sign_in: SignInSession | None = None
    token: ApiToken | None = None
    standing: tuple[Project, Membership] | None = None

    @property
    def csrf_token(self) -> str | None:
        """What an unsafe request from the browser must repeat; None for tokens, which need none."""
        return self.sign_in.csrf_token if self.sign_in else None

    @property
    def token_scopes(self) -> frozenset[str] | None:
        """What the token may be used for; None in a browser, where the role alone decides."""
        return frozenset(self.token.scopes) if self.token else None

    @property
    def is_bound(self) -> bool:
        """Whether this is a token that was made for one project alone."""
        return self.token is not None and self.token.project_id is not None


@dataclass(frozen=True, slots=True)
class Access:
    """A person's standing in one project. `paused`: no new work for them, everything else as before."""

    user: User
    project: Project
    membership: Membership
    role: Role
    paused: bool
    token_scopes: frozenset[str] | None


# Nearly every request asks this. One statement, made once: making it anew costs more than running it.
OF_COOKIE: Final = (
    select(SignInSession, User, SignInSession.last_seen_at < func.now() - TOUCH_EVERY, Project, Membership)
    .join(User, User.id == SignInSession.user_id)
    .outerjoin(Membership, (Membership.user_id == User.id) & (Membership.project_id == bindparam("project")))
    .outerjoin(Project, (Project.id == Membership.project_id) & Project.archived_at.is_(None))
    .where(
        SignInSession.token_hash == bindparam("token_hash"),
        SignInSession.revoked_at.is_(None),
        SignInSession.expires_at > func.now(),
        User.disabled_at.is_(None),
    )
)


def find_identity_of_cookie(session: Session, cookie: str, project_id: int | None = None) -> Identity | None:
    """The person whose browser holds `cookie`, unless the session was ended, ran out, or the person is disabled.

    With `project_id` their standing in that project, if they have one, comes along.
    """
    row = session.execute(OF_COOKIE, {"token_hash": hash_secret(cookie), "project": project_id}).one_or_none()
    if row is None:
        return None
    sign_in, user, is_due, project, membership = row
    if is_due:
        until = func.now() + timedelta(days=get_settings().session_days)
        _note_use(session, SignInSession, sign_in.id, {"last_seen_at": func.now(), "expires_at": until})
    return Identity(user=user, sign_in=sign_in, standing=(project, membership) if project else None)


def identity_of_token(session: Session, text: str) -> Identity:
    """The person a bearer token speaks for; `NotSignedIn` says whether it was damaged or is not valid."""
    parts = parse_token(text)
    if parts is None:
        raise NotSignedIn(
            "the API token is incomplete or mistyped: its checksum does not fit",
            type="token-damaged",
            advice="Copy the whole token, from plk_ to its last character.",
        )
    row = session.execute(
        select(ApiToken, User, func.coalesce(ApiToken.last_used_at < func.now() - TOUCH_EVERY, True))
        .join(User, User.id == ApiToken.user_id)
        .where(
            ApiToken.lookup == parts.lookup,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > func.now(),
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None or not same_secret(parts.secret, row[0].secret_hash):
        raise NotSignedIn(
            "the API token is unknown, expired or revoked", type="token-invalid", advice="Make a new one under Tokens."
        )
    token, user, is_due = row
    if is_due:
        _note_use(session, ApiToken, token.id, {"last_used_at": func.now()})
    return Identity(user=user, token=token)


def require_scope(identity: Identity, scope: Scope | None) -> None:
    """`Forbidden` when the person came with a token that lacks `scope`; None keeps every token out."""
    scopes = identity.token_scopes
    if scopes is None or scope in scopes:
        return
    needed = f"the scope `{scope}`, which this token lacks" if scope else "a person in a browser, not a token"
    raise Forbidden(f"this needs {needed}", type="scope", advice="Make a token with that scope under Tokens.")


def visible_projects(identity: Identity) -> Select[int]:
    """A query of the ids of the projects that exist for this person (and this token)."""
    query = (
        select(Membership.project_id)
        .join(Project, Project.id == Membership.project_id)
        .where(Membership.user_id == identity.user.id, Project.archived_at.is_(None))
    )
    if identity.token is not None and identity.token.project_id is not None:
        query = query.where(Membership.project_id == identity.token.project_id)
    return query


STANDING: Final = (
    select(Project, Membership)
    .join(Membership, Membership.project_id == Project.id)
    .where(Project.id == bindparam("project"), Membership.user_id == bindparam("user"), Project.archived_at.is_(None))
)


def access_for(
    session: Session, identity: Identity, project_id: int, *, roles: frozenset[Role], what: str = "project"
) -> Access:
    """The person's standing in a project; `NotFound` (about `what`) for strangers, `Forbidden` for other roles."""
    known = known_access(identity, project_id, roles=roles)
    if known is not None:
        return known
    row = session.execute(STANDING, {"project": project_id, "user": identity.user.id}).one_or_none()
    if row is None or not may_see(identity, project_id):
        raise NotFound(f"there is no such {what}, or it is not yours to see")
    return granted(identity, *row, roles=roles)


def known_access(identity: Identity, project_id: int, *, roles: frozenset[Role]) -> Access | None:
    """The same without asking the database; None where the standing did not come with the person."""
    if identity.standing is None or identity.standing[0].id != project_id or not may_see(identity, project_id):
        return None
    return granted(identity, *identity.standing, roles=roles)


def granted(identity: Identity, project: Project, membership: Membership, *, roles: frozenset[Role]) -> Access:
    """The standing of a member; `Forbidden` when their role is none of `roles`."""
    if membership.role not in roles:
        raise Forbidden(
            f"this needs the role {' or '.join(sorted(roles))}; yours here is {membership.role}", type="role"
        )
    return Access(
        user=identity.user,
        project=project,
        membership=membership,
        role=membership.role,
        paused=membership.paused_at is not None,
        token_scopes=identity.token_scopes,
    )


def may_see(identity: Identity, project_id: int) -> bool:
    """Whether the token, if it is one, is not bound to another project."""
    return identity.token is None or identity.token.project_id in {None, project_id}


def _note_use(
    session: Session, table: type[SignInSession] | type[ApiToken], identity: int, values: dict[str, Any]
) -> None:
    """Write down that a session or token was used; skipped when another request is just writing the same."""
    free = select(table.id).where(table.id == identity).with_for_update(skip_locked=True)
    session.execute(
        update(table)
        .where(table.id.in_(free.scalar_subquery()))
        .values(values)
        .execution_options(synchronize_session=False)
    )
