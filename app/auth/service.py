"""People and their browsers: accounts, signing in and out, passwords."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.auth import passwords, throttle
from app.auth.access import Identity, visible_projects
from app.auth.keys import hash_secret, new_secret
from app.auth.roles import Role
from app.auth.tables import SignInSession, User
from app.config import get_settings
from app.errors import Conflict, Unprocessable
from app.projects.tables import Membership, Project


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh sign-in: `cookie` is the secret for the browser, told once."""

    identity: Identity
    cookie: str


@dataclass(frozen=True, slots=True)
class ProjectRole:
    """A project by name, with somebody's role in it."""

    id: int
    name: str
    role: Role


def setup_needed(session: Session) -> bool:
    """Whether nobody runs this instance yet, so that the first-admin link still waits to be opened."""
    return not session.scalar(select(exists().where(User.is_operator, User.disabled_at.is_(None))))


def find_user(session: Session, email: str) -> User | None:
    """The account of an address, however its letters are written."""
    return session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def create_user(session: Session, *, name: str, email: str, password: str, is_operator: bool = False) -> User:
    """A new account; `Unprocessable` when the password is too weak, `Conflict` when the address has an account."""
    user = User(
        name=name, email=email.strip(), password_hash=checked_hash(password, email, name), is_operator=is_operator
    )
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("this address has an account already", type="address-taken", field="email") from error
    audit.record(session, actor=user, action="user.created", object_type="user", object_id=user.id)
    return user


def checked_hash(password: str, email: str, name: str) -> str:
    """The hash of a new password; `Unprocessable` says why a weak one is refused."""
    problem = passwords.why_refused(password, email=email, name=name)
    if problem:
        raise Unprocessable(problem, type="weak-password", field="password")
    return passwords.hash_password(password)


def verify(session: Session, *, email: str, password: str, address: str | None) -> User | None:
    """The person whose password this is, or None; counted, and as slow for an unknown address as for a known one.

    The caller must let the session commit even when the answer is None: the failed try is in it.
    """
    subjects = throttle.subjects_of(email, address)
    throttle.count_try(session, subjects)
    user = find_user(session, email)
    if not passwords.is_password(password, user.password_hash if user else None) or user is None or user.disabled_at:
        return None
    throttle.forgive(session, subjects)
    if user.password_hash and passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    return user


def sign_in(session: Session, user: User, *, instead_of: Identity | None = None) -> SignedIn:
    """A new session for the person's browser; the one it had before ends, so nobody can plant one beforehand."""
    if instead_of is not None and instead_of.sign_in is not None:
        _revoke(session, instead_of.sign_in.id)
    cookie = new_secret()
    days = timedelta(days=get_settings().session_days)
    created = SignInSession(
        user_id=user.id, token_hash=hash_secret(cookie), csrf_token=new_secret(), expires_at=func.now() + days
    )
    session.add(created)
    session.flush()
    audit.record(session, actor=user, action="session.started", object_type="session", object_id=created.id)
    return SignedIn(identity=Identity(user=user, sign_in=created), cookie=cookie)


def sign_out(session: Session, identity: Identity) -> None:
    """End the browser's session at once."""
    if identity.sign_in is not None:
        _revoke(session, identity.sign_in.id)
        audit.record(
            session,
            actor=identity.user,
            action="session.ended",
            object_type="session",
            object_id=identity.sign_in.id,
        )


def change_password(session: Session, identity: Identity, *, new: str) -> SignedIn:
    """Set a new password, end every session of the person, and begin a new one for this browser."""
    user = identity.user
    set_password(session, user, new)
    return sign_in(session, user)


def set_password(session: Session, user: User, new: str) -> None:
    """Set a password and end every session of the person."""
    user.password_hash = checked_hash(new, user.email, user.name)
    session.execute(
        update(SignInSession)
        .where(SignInSession.user_id == user.id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )
    audit.record(session, actor=user, action="password.changed", object_type="user", object_id=user.id)


def list_project_roles(session: Session, identity: Identity) -> list[ProjectRole]:
    """Every project of the person, oldest first."""
    query = (
        select(Project, Membership.role)
        .join(Membership, Membership.project_id == Project.id)
        .where(Membership.user_id == identity.user.id, Project.id.in_(visible_projects(identity)))
        .order_by(Project.id)
    )
    return [ProjectRole(id=project.id, name=project.name, role=role) for project, role in session.execute(query)]


def _revoke(session: Session, sign_in_id: int) -> None:
    session.execute(
        update(SignInSession)
        .where(SignInSession.id == sign_in_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )
