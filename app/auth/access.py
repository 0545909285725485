"""Who is asking, and what they may do in a project. Foreign and absent projects are one and the same."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from app import locks
from app.auth.keys import hash_secret, parse_token, same_secret
from app.auth.roles import Role, Scope
from app.auth.tables import ApiToken, SignInSession, User
from app.config import get_settings
from app.errors import Forbidden, NotFound, NotSignedIn
from app.projects.tables import Membership, Project
from app.statements import EntityStatement, Values

TOUCH_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person, by the session of a browser or by an API token.

    `standing`: their project and membership, where the project they ask about was looked up together with them.
    `held`: whether that took their lock in the project too (`locks.of_member`).
    """

    user: User
    sign_in: SignInSession | None = None
    token: ApiToken | None = None
    standing: tuple[Project, Membership] | None = None
    held: bool = False

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
    """A person's standing in one project. `paused`: no new work for them, everything else as before.

    `held`: whether the transaction has their lock in the project already.
    """

    user: User
    project: Project
    membership: Membership
    role: Role
    paused: bool
    token_scopes: frozenset[str] | None
    held: bool = False


def of_cookie(project_id: ColumnElement[int]) -> Select[SignInSession, User, bool, Project, Membership]:
    """The query for the person behind a cookie's `:token_hash`, and their standing in a project if they have one."""
    return (
        select(SignInSession, User, SignInSession.last_seen_at < func.now() - TOUCH_EVERY, Project, Membership)
        .join(User, User.id == SignInSession.user_id)
        .outerjoin(Membership, (Membership.user_id == User.id) & (Membership.project_id == project_id))
        .outerjoin(Project, (Project.id == Membership.project_id) & Project.archived_at.is_(None))
        .where(
            SignInSession.token_hash == bindparam("token_hash"),
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > func.now(),
            User.disabled_at.is_(None),
        )
    )


def of_cookie_held(project_id: ColumnElement[int]) -> EntityStatement:
    """The same as rows that can only be read, and on the way the person's lock in the project is taken."""
    lock = locks.holding_member(Membership.project_id, Membership.user_id)
    return EntityStatement(of_cookie(project_id).add_columns(case((Project.id.is_not(None), lock))))


# Nearly every request asks this. Made once: making it anew costs more than running it.
OF_COOKIE: Final = of_cookie(bindparam("project", type_=BigInteger))
HELD_IN_PROJECT: Final = of_cookie_held(bindparam("project", type_=BigInteger))


def find_identity_of_cookie(session: Session, cookie: str, project_id: int | None = None) -> Identity | None:
    """The person whose browser holds `cookie`, unless the session was ended, ran out, or the person is disabled.

    With `project_id` their standing in that project, if they have one, comes along.
    """
    row = session.execute(OF_COOKIE, {"token_hash": hash_secret(cookie), "project": project_id}).one_or_none()
    return _identity(session, *row) if row else None


def find_and_hold(session: Session, cookie: str, query: EntityStatement, values: Values) -> Identity | None:
    """The same by a query `of_cookie_held` and the values it needs for its project; what comes can only be read."""
    row = query.one_or_none(session, {"token_hash": hash_secret(cookie), **values})
    return _identity(session, *row[:-1], held=True) if row else None


def _identity(
    session: Session,
    sign_in: SignInSession,
    user: User,
    is_due: bool,
    project: Project | None,
    membership: Membership | None,
    *,
    held: bool = False,
) -> Identity:
    if is_due:
        until = func.now() + timedelta(days=get_settings().session_days)
        _note_use(session, SignInSession, sign_in.id, {"last_seen_at": func.now(), "expires_at": until})
    standing = (project, membership) if project and membership else None
    return Identity(user=user, sign_in=sign_in, standing=standing, held=held and standing is not None)


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
        held=identity.held,
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
