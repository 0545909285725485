"""Signing in, accepting invitations, passwords and tokens over HTTP: everything a person does about themself."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from app.auth import invitations, service, tokens
from app.auth.access import Identity, find_identity_of_cookie
from app.auth.dependencies import MaybeIdentity, Public, SignedInPerson, cookie_name
from app.auth.invitations import Account
from app.auth.origin import sign_in_problem
from app.auth.schemas import (
    Acceptance,
    Credentials,
    InvitationPeek,
    InvitationToken,
    InvitingProject,
    NewToken,
    PasswordChange,
    ProjectRoleRead,
    SessionRead,
    SignedInUser,
    TokenIssued,
    TokenRead,
)
from app.config import get_settings
from app.dependencies import PageDep, SessionDep
from app.errors import Forbidden, NotSignedIn
from app.pagination import Page
from app.problems import of_app_error, respond

router = APIRouter(tags=["people"])
# The server decides when a session ends; the browser only has to keep the cookie long enough.
COOKIE_SECONDS = 400 * 24 * 3600
WRONG = NotSignedIn(
    "the address or the password is wrong", type="wrong-credentials", advice="Check both; capitals matter in passwords."
)
TokenId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/session")
def get_session(request: Request, identity: MaybeIdentity, session: SessionDep) -> SessionRead:
    """Who is signed in, their projects, and whether signing in works on this address."""
    problem = problem_of(request)
    return SessionRead(
        user=SignedInUser.model_validate(identity.user) if identity else None,
        csrf_token=identity.csrf_token if identity else None,
        projects=_projects(session, identity),
        setup_needed=service.setup_needed(session),
        signing_in_possible=problem is None,
        problem=problem,
    )


@router.post("/session", response_model=SessionRead, dependencies=[Public])
def sign_in(credentials: Credentials, request: Request, response: Response, session: SessionDep) -> object:
    """Sign in. A wrong address and a wrong password get the same answer, in the same time."""
    refuse_plain_http(request)
    address = request.client.host if request.client else None
    user = service.verify(session, email=credentials.email, password=credentials.password, address=address)
    if user is None:
        return wrong_credentials()
    return _begin(request, response, session, service.sign_in(session, user, instead_of=_before(request, session)))


@router.delete("/session", status_code=204)
def sign_out(identity: SignedInPerson, response: Response, session: SessionDep) -> None:
    """Sign out of this browser; its cookie is worth nothing from now on."""
    service.sign_out(session, identity)
    response.delete_cookie(cookie_name(), path="/", secure=get_settings().secure_cookies, httponly=True)


@router.post("/password", response_model=SessionRead)
def change_password(
    change: PasswordChange, identity: SignedInPerson, request: Request, response: Response, session: SessionDep
) -> object:
    """Change your password; every other browser of yours is signed out."""
    address = request.client.host if request.client else None
    email = identity.user.email
    if service.verify(session, email=email, password=change.current, address=address) is None:
        return wrong_credentials()
    return _begin(request, response, session, service.change_password(session, identity, new=change.new))


@router.post("/invitations/peek", dependencies=[Public])
def peek_invitation(link: InvitationToken, session: SessionDep) -> InvitationPeek:
    """What an invitation link is good for."""
    invitation = invitations.get_invitation(session, link.token)
    project = invitations.find_project(session, invitation)
    return InvitationPeek(
        kind="first_admin" if invitation.kind == "first_admin" else "member",
        project=InvitingProject.model_validate(project) if project else None,
        role=invitation.role,
        email=invitation.email,
        expires_at=invitation.expires_at,
    )


@router.post("/invitations/redeem", response_model=SessionRead, dependencies=[Public])
def redeem_invitation(acceptance: Acceptance, request: Request, response: Response, session: SessionDep) -> object:
    """Accept an invitation, with a new account or your own, and be signed in."""
    refuse_plain_http(request)
    invitation = invitations.get_invitation(session, acceptance.token)
    account = Account(name=acceptance.name, email=acceptance.email, password=acceptance.password)
    address = request.client.host if request.client else None
    user = invitations.redeem(session, invitation, account, address=address)
    if user is None:
        return wrong_credentials()
    return _begin(request, response, session, service.sign_in(session, user, instead_of=_before(request, session)))


@router.get("/tokens")
def list_tokens(identity: SignedInPerson, session: SessionDep, page: PageDep) -> Page[TokenRead]:
    """Your API tokens, newest first."""
    rows = tokens.list_tokens(session, identity, page)
    return Page(items=[TokenRead.model_validate(row) for row in rows.items], next_cursor=rows.next_cursor)


@router.post("/tokens", status_code=201)
def create_token(new: NewToken, identity: SignedInPerson, session: SessionDep) -> TokenIssued:
    """Make an API token. The answer is the only place where it is ever shown."""
    issued = tokens.issue_token(
        session,
        identity,
        name=new.name,
        scopes=list(new.scopes),
        project_id=new.project_id,
        expires_in_days=new.expires_in_days,
    )
    return TokenIssued(token=issued.text, **TokenRead.model_validate(issued.row).model_dump())


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: TokenId, identity: SignedInPerson, session: SessionDep) -> None:
    """Revoke a token of yours; the next request with it is refused."""
    tokens.revoke_token(session, identity, token_id)


def problem_of(request: Request) -> str | None:
    """Why nobody can sign in by the way this request came."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
    return sign_in_problem(scheme=scheme, host=request.headers.get("host"), public_url=get_settings().public_url)


def refuse_plain_http(request: Request) -> None:
    """Refuse to hand out a session where its cookie could be read on the way."""
    problem = problem_of(request)
    if problem:
        raise Forbidden(problem, type="plain-http")


def wrong_credentials() -> JSONResponse:
    """The refusal, answered and not raised: the counted try has to be committed."""
    return respond(of_app_error(WRONG))


def _projects(session: SessionDep, identity: Identity | None) -> list[ProjectRoleRead]:
    roles = service.list_project_roles(session, identity) if identity else []
    return [ProjectRoleRead.model_validate(role) for role in roles]


def _before(request: Request, session: SessionDep) -> Identity | None:
    cookie = request.cookies.get(cookie_name())
    return find_identity_of_cookie(session, cookie) if cookie else None


def _begin(request: Request, response: Response, session: SessionDep, signed_in: service.SignedIn) -> SessionRead:
    response.set_cookie(
        cookie_name(),
        signed_in.cookie,
        max_age=COOKIE_SECONDS,
        path="/",
        secure=get_settings().secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return get_session(request, signed_in.identity, session)
