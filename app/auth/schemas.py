"""People, sign-ins, invitations and tokens on the wire. No answer ever holds a hash; secrets are shown once."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.auth.members import Deed, Member
from app.auth.roles import Role, Scope
from app.inputs import Input, Line, without_control_characters

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(without_control_characters),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=200)]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Row(BaseModel):
    """Parent of answers that are read straight from a row."""

    model_config = ConfigDict(from_attributes=True)


class UserRead(Row):
    """A person."""

    id: int
    name: str
    email: str


class SignedInUser(UserRead):
    """The person who is signed in."""

    is_operator: bool


class ProjectRoleRead(Row):
    """A project of theirs, by name."""

    id: int
    name: str
    role: Role


class SessionRead(BaseModel):
    """Who is signed in, and whether anybody could be. `csrf_token` goes into the header X-CSRF-Token."""

    user: SignedInUser | None
    csrf_token: str | None
    projects: list[ProjectRoleRead]
    setup_needed: bool
    signing_in_possible: bool
    problem: str | None


class Credentials(Input):
    """What a person types to sign in."""

    email: Email
    password: Password


class PasswordChange(Input):
    """The password there is, and the one that shall be."""

    current: Password
    new: Password


class InvitationToken(Input):
    """The secret of an invitation link, from its fragment."""

    token: LinkToken


class Acceptance(Input):
    """What a person types to accept an invitation; with an account already, its own address and password."""

    token: LinkToken
    name: Line
    email: Email
    password: Password


class InvitingProject(Row):
    """The project an invitation leads to."""

    id: int
    name: str


class InvitationPeek(BaseModel):
    """What an invitation is good for."""

    kind: Literal["first_admin", "member"]
    project: InvitingProject | None
    role: Role
    email: str | None
    expires_at: datetime


class NewInvitation(Input):
    """An invitation to make; with an address, only that address may accept."""

    role: Role
    email: Email | None = None


class InvitationRead(Row):
    """An open invitation."""

    id: int
    role: Role
    email: str | None
    expires_at: datetime
    created_at: datetime


class InvitationIssued(InvitationRead):
    """The same with its link, shown this once."""

    link: str


class MemberRead(BaseModel):
    """A person's standing in a project."""

    user: UserRead
    role: Role
    paused: bool
    joined_at: datetime


class MemberChange(Input):
    """What to change about a member."""

    role: Role | None = None
    paused: bool | None = None


class NewToken(Input):
    """A token to make."""

    name: Line
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    project_id: RowId | None = None
    expires_in_days: int = Field(90, ge=1, le=366)


class TokenRead(Row):
    """A token, without its secret."""

    id: int
    name: str
    lookup: str
    scopes: list[str]
    project_id: int | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokenIssued(TokenRead):
    """The same with the token itself, shown this once."""

    token: str


class AuditEventRead(BaseModel):
    """One deed; `actor` is null when the service itself acted."""

    id: int
    at: datetime
    actor: UserRead | None
    action: str
    object_type: str
    object_id: str
    detail: dict[str, Any]


def member_read(member: Member) -> MemberRead:
    """The wire form of a member."""
    return MemberRead(
        user=UserRead.model_validate(member.user),
        role=member.membership.role,
        paused=member.membership.paused_at is not None,
        joined_at=member.membership.created_at,
    )


def audit_event_read(deed: Deed) -> AuditEventRead:
    """The wire form of an audit event."""
    event = deed.event
    return AuditEventRead(
        id=event.id,
        at=event.at,
        actor=UserRead.model_validate(deed.actor) if deed.actor else None,
        action=event.action,
        object_type=event.object_type,
        object_id=event.object_id,
        detail=event.detail,
    )
