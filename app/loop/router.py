"""The loop over HTTP."""

from fastapi import APIRouter, Response

from app.auth.dependencies import ProjectReader, ProjectResearcher
from app.dependencies import PageDep, SessionDep
from app.loop import blind, gating, rolling_back, service
from app.loop.blind_schemas import BlindComparisonRead, blind_comparison_read
from app.loop.doors import ChangeableCycle, ReadableCycle
from app.loop.schemas import CycleRead, GateRead, LoopRead, PromotionDecision, WayBack, cycle_read, loop_read
from app.pagination import Page
from app.registry.schemas import ModelVersionRead, model_version_read
from app.runs.doors import ReadableRun
from app.runs.repeats import IdempotencyKey, Request, once

router = APIRouter(tags=["loop"])


@router.get("/projects/{project_id}/loop")
def get_loop(access: ProjectReader, session: SessionDep) -> LoopRead:
    """Where the loop stands: counts, live models, what runs, what comes next and why."""
    return loop_read(service.state_of(session, access.project.id))


@router.get("/projects/{project_id}/cycles")
def list_cycles(access: ProjectReader, session: SessionDep, page: PageDep) -> Page[CycleRead]:
    """A project's cycles, newest first."""
    rows = service.list_cycles(session, access.project.id, page)
    return Page(items=[cycle_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.post("/projects/{project_id}/cycles", status_code=201)
def start_cycle(
    access: ProjectResearcher, session: SessionDep, response: Response, key: IdempotencyKey = None
) -> CycleRead:
    """Run a cycle: reward model, then PPO, then promotion, then the new policy's first completions."""
    if key is None:
        return _start(access, session)
    route = f"POST /projects/{access.project.id}/cycles"
    asked = Request(user_id=access.user.id, key=key, route=route, body={})
    return CycleRead.model_validate(once(session, asked, response, lambda: _start(access, session)))


def _start(access: ProjectResearcher, session: SessionDep) -> CycleRead:
    cycle = service.start_cycle(session, access.project.id, actor=access.user)
    session.flush()
    session.refresh(cycle)
    return cycle_read(cycle)


@router.get("/runs/{run_id}/gate")
def get_gate(found: ReadableRun, session: SessionDep) -> GateRead:
    """What the gate says of a finished reward run: the verdict that a cycle followed, or the one it would give now."""
    run, _ = found
    finding, decided = gating.seen(session, run)
    return GateRead.model_validate({**finding, "decided": decided})


@router.get("/runs/{run_id}/blind-comparisons")
def list_blind_comparisons_of_run(found: ReadableRun, session: SessionDep, page: PageDep) -> Page[BlindComparisonRead]:
    """What blind people say of the policy that the run evaluated, or made, newest first."""
    run, _ = found
    version_id = blind.policy_of(session, run)
    rows = blind.listed(session, run.project_id, page, model_version_id=version_id)
    return Page(items=[blind_comparison_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.get("/cycles/{cycle_id}")
def get_cycle(found: ReadableCycle) -> CycleRead:
    """A cycle as it is now."""
    cycle, _ = found
    return cycle_read(cycle)


@router.post("/cycles/{cycle_id}/cancel")
def cancel_cycle(found: ChangeableCycle, session: SessionDep) -> CycleRead:
    """Stop a cycle and the run it waits for."""
    cycle, access = found
    service.cancel_cycle(session, cycle.id, actor=access.user)
    session.flush()
    session.refresh(cycle)
    return cycle_read(cycle)


@router.post("/cycles/{cycle_id}/promotion")
def decide_promotion(decision: PromotionDecision, found: ChangeableCycle, session: SessionDep) -> CycleRead:
    """Accept the new reward model or policy that waits, which then goes live, or refuse it."""
    cycle, access = found
    service.decide_promotion(session, cycle.id, accept=decision.accept, actor=access.user)
    session.flush()
    session.refresh(cycle)
    return cycle_read(cycle)


@router.post("/projects/{project_id}/rollback")
def roll_back(way: WayBack, access: ProjectResearcher, session: SessionDep) -> ModelVersionRead:
    """Make an earlier reward model or policy live again; the one that is live now is archived."""
    version = rolling_back.roll_back(session, access.project.id, way.model_version_id, actor=access.user)
    session.refresh(version)
    return model_version_read(version)
