"""Runs over HTTP: launch, watch, pause, continue, cancel."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from app.auth.access import Access
from app.auth.dependencies import ProjectReader, ProjectResearcher
from app.dependencies import PageDep, SessionDep
from app.errors import Forbidden, NotFound, Unprocessable
from app.pagination import Page
from app.problems import shown
from app.runs import events, following, launching, reports, service, waiting
from app.runs.doors import ChangeableRun, ReadableRun
from app.runs.estimate_schemas import EstimateRead, estimate_read
from app.runs.launching import Launch
from app.runs.lifecycle import State
from app.runs.priorities import NUMBERS
from app.runs.repeats import IdempotencyKey, Request, once
from app.runs.report_schemas import RunReport
from app.runs.schemas import KindRead, MetricsRead, NewPriority, NewRun, RunRead, kinds_read, run_read
from app.runs.tables import Run
from app.storage import store

router = APIRouter(tags=["runs"])

EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Numbered events, then `end`."}
}

MARKDOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"text/markdown": {}}, "description": "The card."}}


@router.get("/projects/{project_id}/run-kinds")
def list_run_kinds(_access: ProjectReader) -> list[KindRead]:
    """The kinds of runs, each with the JSON Schema of its settings."""
    return kinds_read()


@router.get("/projects/{project_id}/runs")
def list_runs(
    access: ProjectReader, session: SessionDep, page: PageDep, kind: str | None = None, state: State | None = None
) -> Page[RunRead]:
    """A project's runs, newest first."""
    rows = service.listed(session, access.project.id, page, kind=kind, state=state)
    seen = service.seen(session, rows.items)
    return Page(items=[run_read(one) for one in seen], next_cursor=rows.next_cursor)


@router.post("/projects/{project_id}/runs", status_code=201)
def launch_run(
    new: NewRun, access: ProjectResearcher, session: SessionDep, response: Response, key: IdempotencyKey = None
) -> RunRead:
    """Launch a run; with an Idempotency-Key, sending it again launches nothing more."""
    require_right_to_import(access, new)
    require_right_to_insist(access, new)
    if key is None:
        return _launch(new, access, session)
    route = f"POST /projects/{access.project.id}/runs"
    asked = Request(user_id=access.user.id, key=key, route=route, body=new.model_dump(mode="json"))
    return RunRead.model_validate(once(session, asked, response, lambda: _launch(new, access, session)))


@router.post("/projects/{project_id}/runs/estimate")
def estimate_run(new: NewRun, access: ProjectResearcher, session: SessionDep) -> EstimateRead:
    """What such a run would take, beside what the workers have; nothing is launched."""
    require_right_to_import(access, new)
    try:
        return estimate_read(*launching.preview(session, _wanted(new, access)))
    except (Unprocessable, NotFound) as refusal:
        # Somebody is still filling in the form: that is no mistake of theirs.
        return EstimateRead(
            verdict="not_launchable", why=shown(refusal.detail), tokens=None, takes_bytes=None, places=[]
        )


def _launch(new: NewRun, access: Access, session: SessionDep) -> RunRead:
    wanted = replace(_wanted(new, access), refusable=True)
    return _fresh(session, launching.launch(session, wanted, actor=access.user))


def _wanted(new: NewRun, access: Access) -> Launch:
    return Launch(project_id=access.project.id, **{**new.model_dump(), "priority": NUMBERS[new.priority]})


def require_right_to_insist(access: Access, new: NewRun) -> None:
    """A run that no worker has room for may end others beside it: only an admin starts it all the same."""
    if new.ignore_estimate and access.role != "admin":
        raise Forbidden("only an admin of the project may start a run whatever its estimate says", type="role")


def require_right_to_import(access: Access, new: NewRun) -> None:
    """Imports read the server's disk or the network, so they are for admins."""
    if new.kind == "import_model" and access.role != "admin":
        raise Forbidden("only an admin of the project may import models", type="role")


@router.get("/runs/{run_id}")
def get_run(found: ReadableRun, session: SessionDep) -> RunRead:
    """A run as it is now."""
    run, _ = found
    return _read(session, run)


@router.put("/runs/{run_id}/priority")
def set_priority(new: NewPriority, found: ChangeableRun, session: SessionDep) -> RunRead:
    """Let a run that waits or rests be taken earlier or later."""
    run, access = found
    return _fresh(session, service.prioritise(session, run.id, new.priority, actor=access.user))


@router.post("/runs/{run_id}/cancel")
def cancel_run(found: ChangeableRun, session: SessionDep) -> RunRead:
    """Stop a run: at once while it waits, within seconds while it works."""
    run, access = found
    return _fresh(session, service.cancel(session, run.id, actor=access.user))


@router.post("/runs/{run_id}/pause")
def pause_run(found: ChangeableRun, session: SessionDep) -> RunRead:
    """Let a run rest: at once while it waits, after its present step while it works. Its checkpoint is kept."""
    run, access = found
    return _fresh(session, service.pause(session, run.id, actor=access.user))


@router.post("/runs/{run_id}/continue")
def continue_run(found: ChangeableRun, session: SessionDep) -> RunRead:
    """Queue a paused or a cancelled run again; it goes on from its last checkpoint."""
    run, access = found
    return _fresh(session, service.go_on(session, run.id, actor=access.user))


def _fresh(session: SessionDep, run: Run) -> RunRead:
    session.refresh(run)
    return _read(session, run)


def _read(session: SessionDep, run: Run) -> RunRead:
    return run_read(service.seen(session, [run])[0], waiting.reason(session, run))


@router.get("/runs/{run_id}/metrics")
def get_metrics(found: ReadableRun, session: SessionDep) -> MetricsRead:
    """Every figure of a run, by name and step."""
    run, _ = found
    return MetricsRead(series=events.series(session, run.id))


@router.get("/runs/{run_id}/report", response_model_exclude_unset=True)
def get_report(found: ReadableRun) -> RunReport:
    """What a finished run says of its work: held-out figures, parts, calibration, disagreements, the data's check."""
    run, _ = found
    result = reports.result_of(run)
    return RunReport(
        kind=run.kind,
        metrics=result.get("metrics") or {},
        report=result.get("report") or {},
        has_card=reports.artifact_of(run) is not None,
    )


@router.get("/runs/{run_id}/card", response_class=Response, responses=MARKDOWN)
def get_card(found: ReadableRun) -> Response:
    """The model card of a finished run, in markdown."""
    run, _ = found
    return Response(
        reports.card_of(run, store()),
        media_type="text/markdown",
        headers={"Content-Disposition": f'inline; filename="model-card-run-{run.id}.md"'},
    )


@router.get("/runs/{run_id}/events", response_class=StreamingResponse, responses=EVENT_STREAM)
async def follow_run(
    found: ReadableRun,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="Only events after this number.")] = 0,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> StreamingResponse:
    """A run's events as they come (`text/event-stream`), ending with `end` once it is over."""
    run, _ = found
    start = max(after, int(last_event_id or 0))
    return StreamingResponse(
        following.stream(run.id, start),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-cache"},
    )
