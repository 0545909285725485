"""Every route of the OpenAPI document against everybody who could knock. A route that is not in the table fails."""

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth import dependencies, invitations, tokens
from app.auth.access import Identity
from app.auth.dependencies import MissingDoorError, ReadIdentity, require_doors
from app.auth.tables import AuditEvent, User
from app.completions.tables import Completion
from app.guidelines import service as guidelines
from app.loop.tables import BlindComparison, Cycle
from app.main import create_app
from app.reports import service as reports
from app.runs import following
from app.runs.tables import Run
from app.webhooks import service as webhooks
from tests.app import cast
from tests.app.judgment_rows import World, a_world, known_answer, submit, take

IN, ABSENT_ID = 0, 10**12


@dataclass(frozen=True)
class Profile:
    """What each persona is answered; `IN` means that the door let them in, whatever came then."""

    anonymous: int = 401
    annotator: int = 403
    researcher: int = 403
    admin: int = IN
    stranger: int = 404
    """Admin of another project, and even the operator of this instance."""
    reader: int = 403
    """A token of the admin with nothing but the scope `read`."""


PUBLIC = Profile(anonymous=IN, annotator=IN, researcher=IN, stranger=IN, reader=IN)
SIGNED_IN = Profile(annotator=IN, researcher=IN, stranger=IN, reader=IN)
PERSON = Profile(annotator=IN, researcher=IN, stranger=IN)
OPERATOR = Profile(admin=403, stranger=IN)
MEMBER = Profile(annotator=IN, researcher=IN, reader=IN)
READER = Profile(researcher=IN, reader=IN)
RESEARCHER = Profile(researcher=IN)
ANNOTATOR = Profile(annotator=IN)
ADMIN = Profile()
OWNER_ADMIN = Profile(annotator=404, researcher=404)
OWNER_ANNOTATOR = Profile(annotator=IN, researcher=404, admin=404)

TABLE: dict[str, Profile] = {
    "GET /api/health": PUBLIC,
    "GET /api/v1/session": PUBLIC,
    "POST /api/v1/session": PUBLIC,
    "DELETE /api/v1/session": PERSON,
    "POST /api/v1/password": PERSON,
    "POST /api/v1/invitations/peek": PUBLIC,
    "POST /api/v1/invitations/redeem": PUBLIC,
    "GET /api/v1/tokens": PERSON,
    "POST /api/v1/tokens": PERSON,
    "DELETE /api/v1/tokens/{token_id}": OWNER_ADMIN,
    "GET /api/v1/projects": SIGNED_IN,
    "POST /api/v1/projects": OPERATOR,
    "GET /api/v1/projects/{project_id}": MEMBER,
    "PATCH /api/v1/projects/{project_id}": ADMIN,
    "GET /api/v1/projects/{project_id}/guidelines": MEMBER,
    "PUT /api/v1/projects/{project_id}/guidelines": ADMIN,
    "GET /api/v1/projects/{project_id}/guidelines/versions": MEMBER,
    "GET /api/v1/projects/{project_id}/guidelines/versions/{number}": MEMBER,
    "POST /api/v1/projects/{project_id}/guidelines/seen": ANNOTATOR,
    "GET /api/v1/projects/{project_id}/members": ADMIN,
    "GET /api/v1/projects/{project_id}/members/standing": ADMIN,
    "PATCH /api/v1/projects/{project_id}/members/{user_id}": ADMIN,
    "DELETE /api/v1/projects/{project_id}/members/{user_id}": ADMIN,
    "GET /api/v1/projects/{project_id}/invitations": ADMIN,
    "POST /api/v1/projects/{project_id}/invitations": ADMIN,
    "DELETE /api/v1/projects/{project_id}/invitations/{invitation_id}": ADMIN,
    "GET /api/v1/projects/{project_id}/audit-events": ADMIN,
    "POST /api/v1/projects/{project_id}/prompt-sets": RESEARCHER,
    "GET /api/v1/projects/{project_id}/prompt-sets": READER,
    "GET /api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}": READER,
    "GET /api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}/errors": READER,
    "POST /api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}/accept": RESEARCHER,
    "POST /api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}/discard": RESEARCHER,
    "GET /api/v1/projects/{project_id}/prompts": READER,
    "GET /api/v1/projects/{project_id}/model-versions": READER,
    "GET /api/v1/model-versions/{model_version_id}": READER,
    "POST /api/v1/model-versions/{model_version_id}/promote": RESEARCHER,
    "POST /api/v1/model-versions/{model_version_id}/archive": RESEARCHER,
    "GET /api/v1/projects/{project_id}/completions": READER,
    "GET /api/v1/model-versions/{model_version_id}/origins": READER,
    "GET /api/v1/model-versions/{model_version_id}/origins/judgments": READER,
    "GET /api/v1/completions/{completion_id}/origins": READER,
    "GET /api/v1/rankings/{ranking_id}/models": READER,
    "GET /api/v1/projects/{project_id}/tasks": READER,
    "PATCH /api/v1/projects/{project_id}/tasks": ADMIN,
    "PATCH /api/v1/projects/{project_id}/tasks/{task_id}": ADMIN,
    "POST /api/v1/projects/{project_id}/tasks/claim": ANNOTATOR,
    "PUT /api/v1/assignments/{assignment_id}/draft": OWNER_ANNOTATOR,
    "POST /api/v1/assignments/{assignment_id}/heartbeat": OWNER_ANNOTATOR,
    "POST /api/v1/assignments/{assignment_id}/ranking": OWNER_ANNOTATOR,
    "POST /api/v1/assignments/{assignment_id}/skip": OWNER_ANNOTATOR,
    "POST /api/v1/assignments/{assignment_id}/reopen": OWNER_ANNOTATOR,
    "POST /api/v1/assignments/{assignment_id}/report": OWNER_ANNOTATOR,
    "GET /api/v1/projects/{project_id}/reports": ADMIN,
    "POST /api/v1/projects/{project_id}/reports/{report_id}/resolution": ADMIN,
    "GET /api/v1/projects/{project_id}/known-answers": ADMIN,
    "POST /api/v1/projects/{project_id}/known-answers": ADMIN,
    "DELETE /api/v1/projects/{project_id}/known-answers/{task_id}": ADMIN,
    "POST /api/v1/projects/{project_id}/members/{user_id}/practice-reset": ADMIN,
    "POST /api/v1/projects/{project_id}/demonstrations": RESEARCHER,
    "POST /api/v1/projects/{project_id}/writing-tasks": ADMIN,
    "GET /api/v1/projects/{project_id}/writing-tasks/summary": READER,
    "POST /api/v1/projects/{project_id}/writing-tasks/claim": ANNOTATOR,
    "POST /api/v1/assignments/{assignment_id}/demonstration": OWNER_ANNOTATOR,
    "GET /api/v1/projects/{project_id}/my-progress": ANNOTATOR,
    "GET /api/v1/projects/{project_id}/my-rankings": ANNOTATOR,
    "GET /api/v1/projects/{project_id}/comparisons": RESEARCHER,
    "GET /api/v1/projects/{project_id}/comparisons/summary": READER,
    "GET /api/v1/projects/{project_id}/dataset-snapshots": READER,
    "POST /api/v1/projects/{project_id}/texts": RESEARCHER,
    "GET /api/v1/projects/{project_id}/texts": READER,
    "GET /api/v1/projects/{project_id}/run-kinds": READER,
    "GET /api/v1/projects/{project_id}/runs": READER,
    "POST /api/v1/projects/{project_id}/runs": RESEARCHER,
    "POST /api/v1/projects/{project_id}/runs/estimate": RESEARCHER,
    "GET /api/v1/runs/{run_id}": READER,
    "POST /api/v1/runs/{run_id}/cancel": RESEARCHER,
    "POST /api/v1/runs/{run_id}/pause": RESEARCHER,
    "PUT /api/v1/runs/{run_id}/priority": RESEARCHER,
    "POST /api/v1/runs/{run_id}/continue": RESEARCHER,
    "GET /api/v1/runs/{run_id}/metrics": READER,
    "GET /api/v1/runs/{run_id}/report": READER,
    "GET /api/v1/runs/{run_id}/card": READER,
    "GET /api/v1/runs/{run_id}/gate": READER,
    "GET /api/v1/runs/{run_id}/blind-comparisons": READER,
    "GET /api/v1/runs/{run_id}/events": READER,
    "GET /api/v1/projects/{project_id}/loop": READER,
    "GET /api/v1/projects/{project_id}/cycles": READER,
    "POST /api/v1/projects/{project_id}/cycles": RESEARCHER,
    "POST /api/v1/projects/{project_id}/rollback": RESEARCHER,
    "GET /api/v1/projects/{project_id}/blind-comparisons": READER,
    "POST /api/v1/projects/{project_id}/blind-comparisons": RESEARCHER,
    "GET /api/v1/projects/{project_id}/blind-comparisons/{comparison_id}": READER,
    "POST /api/v1/projects/{project_id}/blind-comparisons/{comparison_id}/cancel": RESEARCHER,
    "GET /api/v1/projects/{project_id}/drift": READER,
    "POST /api/v1/projects/{project_id}/drift": RESEARCHER,
    "GET /api/v1/projects/{project_id}/drift/completions": READER,
    "GET /api/v1/cycles/{cycle_id}": READER,
    "POST /api/v1/cycles/{cycle_id}/cancel": RESEARCHER,
    "POST /api/v1/cycles/{cycle_id}/promotion": RESEARCHER,
    "GET /api/v1/projects/{project_id}/webhooks": ADMIN,
    "POST /api/v1/projects/{project_id}/webhooks": ADMIN,
    "PATCH /api/v1/projects/{project_id}/webhooks/{webhook_id}": ADMIN,
    "POST /api/v1/projects/{project_id}/webhooks/{webhook_id}/secret": ADMIN,
    "POST /api/v1/projects/{project_id}/webhooks/{webhook_id}/test": ADMIN,
    "GET /api/v1/projects/{project_id}/webhooks/{webhook_id}/messages": ADMIN,
}
PERSONAS = ("anonymous", "annotator", "researcher", "admin", "stranger", "reader")
UNSAFE = [route for route, profile in TABLE.items() if not route.startswith("GET") and profile is not PUBLIC]


@dataclass(frozen=True)
class Stage:
    """The cast on its stage: a client for each persona, and the ids that fill in a path."""

    clients: dict[str, TestClient]
    ids: dict[str, int]


@pytest.fixture
def stage(client, session: Session, monkeypatch: pytest.MonkeyPatch) -> Stage:
    # The stream of events reads by connections of its own, which do not see what a test never commits.
    monkeypatch.setattr(following, "new_session", lambda: nullcontext(session))
    world = a_world(session)
    people = {role: world.person(role, role.capitalize()) for role in ("annotator", "researcher", "admin")}
    people["stranger"] = cast.a_user(session, name="Stranger", is_operator=True)
    cast.a_project(session, admin=people["stranger"])
    clients = {name: cast.browser(client, session, user) for name, user in people.items()}
    clients["anonymous"] = client()
    clients["reader"] = cast.program(client, session, people["admin"], scopes=["read"])
    return Stage(clients, ids_of(session, world, people))


def ids_of(session: Session, world: World, people: dict[str, User]) -> dict[str, int]:
    """An id of each kind, of the project's own rows; the assignment is the annotator's, the token the admin's."""
    world.task()
    world.task()
    project_id = world.project.id
    guidelines.save(session, project_id=project_id, actor=None, text="Be kind.", basis=None)
    run = Run(project_id=project_id, kind="sample", queue="training", config={}, seed=1, state="cancelled")
    run.config = {"completions_per_prompt": 2}
    run.finished_at = func.now()
    cycle = Cycle(project_id=project_id, state="running", stage="reward", trigger="person")
    session.add_all([run, cycle])
    session.flush()
    rival = world.model_version("policy", 1)
    comparison = BlindComparison(
        project_id=project_id, candidate_id=world.model.id, rival_id=rival.id, run_id=run.id, prompts=1, error=0.05
    )
    session.add(comparison)
    session.flush()
    invited = invitations.invite(session, inviter=people["admin"], project_id=project_id, role="annotator", email=None)
    judged = submit(session, take(world, people["annotator"]), people["annotator"])
    assignment = take(world, people["annotator"])
    report_id = reports.report_prompt(session, assignment, people["annotator"], reason="unclear", note="")
    known = known_answer(world, people["admin"])
    issued = tokens.issue_token(
        session, Identity(people["admin"]), name="t", scopes=["read"], project_id=None, expires_in_days=1
    )
    hook = webhooks.add(
        session, project_id, actor=people["admin"], url="https://hooks.example.org/", events=["run.finished"]
    )
    return {
        "project_id": project_id,
        "webhook_id": hook.webhook.id,
        "number": 1,
        "user_id": people["annotator"].id,
        "invitation_id": invited.invitation.id,
        "token_id": issued.row.id,
        "prompt_set_id": world.prompt_set.id,
        "model_version_id": world.model.id,
        "assignment_id": assignment.id,
        "report_id": report_id,
        "task_id": known.task.id,
        "completion_id": session.scalars(select(Completion.id)).first(),
        "ranking_id": judged.body["ranking_id"],
        "run_id": run.id,
        "cycle_id": cycle.id,
        "comparison_id": comparison.id,
    }


def knock(client: TestClient, route: str, ids: dict[str, int], **options: Any):
    method, _, path = route.partition(" ")
    body = {} if method in ("GET", "DELETE") else {"json": {}}
    return client.request(method, path.format(**ids), **{**body, **options})


def answers(answer: Any) -> dict[str, Any]:
    return {**answer.json(), "request_id": None}


def test_the_table_lists_every_route(settings):
    documented = {
        f"{method.upper()} {path}"
        for path, methods in create_app().openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }
    assert documented == set(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_each_door_lets_in_whom_the_table_says(route: str, stage: Stage, session: Session):
    for persona in PERSONAS:
        expected = getattr(TABLE[route], persona)
        before = session.scalar(select(func.count()).select_from(AuditEvent))
        with session.begin_nested() as savepoint:
            answer = knock(stage.clients[persona], route, stage.ids)
            if expected is IN:
                assert answer.status_code < 500, f"{persona}: {answer.text}"
                assert answer.status_code not in (401, 403, 404), f"{persona}: {answer.text}"
            else:
                assert answer.status_code == expected, f"{persona}: {answer.text}"
                assert answer.headers["content-type"] == "application/problem+json"
                assert session.scalar(select(func.count()).select_from(AuditEvent)) == before
            savepoint.rollback()
        session.expire_all()


@pytest.mark.parametrize("route", [route for route, profile in TABLE.items() if profile.stranger == 404])
def test_what_is_a_strangers_and_what_is_not_there_look_the_same(route: str, stage: Stage):
    nowhere = dict.fromkeys(stage.ids, ABSENT_ID)
    foreign = knock(stage.clients["stranger"], route, stage.ids)
    absent = [knock(stage.clients[persona], route, nowhere) for persona in ("stranger", "admin", "annotator")]
    assert {answer.status_code for answer in absent} == {404}
    assert all(answers(answer) == answers(foreign) for answer in absent)


def test_another_sites_page_cannot_use_a_cookie(stage: Stage):
    for route, persona in product(UNSAFE, ("admin", "annotator")):
        for headers, refusal in (
            ({"X-CSRF-Token": ""}, "csrf"),
            ({"Origin": "https://evil.example"}, "foreign-origin"),
        ):
            answer = knock(stage.clients[persona], route, stage.ids, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, refusal), route


def test_a_route_without_a_door_keeps_the_service_from_starting(settings):
    router = APIRouter(prefix="/api/v1")
    router.add_api_route("/open", lambda: None, methods=["GET"])
    router.add_api_route("/projects/{project_id}/half", half_guarded, methods=["POST"])
    app = FastAPI()
    app.include_router(router)
    with pytest.raises(MissingDoorError, match=r"GET.*/open.*POST.*/projects/\{project_id\}/half"):
        require_doors(app)


def half_guarded(project_id: int, identity: ReadIdentity) -> None:
    """Asks who is there, but not whether the project is theirs."""


def test_the_doors_documentation_names_every_alias():
    named = {line.split("`")[1] for line in (dependencies.__doc__ or "").splitlines() if line.startswith("| `")}
    assert named == {
        "Public", "MaybeIdentity", "CurrentUser", "ReadIdentity", "RankIdentity", "RunsIdentity", "DatasetsIdentity",
        "SignedInPerson", "Operator", "ProjectMember", "ProjectReader", "ProjectAnnotator", "ProjectPrompts",
        "ProjectDatasets", "ProjectResearcher", "ProjectAdmin",
    }  # fmt: skip
    assert all(hasattr(dependencies, name) for name in named)
