"""Reports: an annotator says what is wrong with a prompt, an admin decides."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, locks
from app.auth.tables import User
from app.errors import Conflict, NotFound
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.reports.tables import Report
from app.tasks import slots
from app.tasks.changing import retire_task
from app.tasks.tables import Assignment, Task

Outcome = Literal["dismissed", "prompt_retired"]


@dataclass(frozen=True, slots=True)
class SeenReport:
    """A report with its prompt and who made it."""

    report: Report
    prompt: Prompt
    reporter: User


def report_prompt(session: Session, assignment: Assignment, actor: User, *, reason: str, note: str) -> int:
    """Tell the admins about the prompt of an own assignment; the report's id.

    A person's second report of a prompt replaces what they said first, and is open again. The assignment stays as it
    is: who wants to be rid of the task skips it.
    """
    prompt_id = session.scalars(select(Task.prompt_id).where(Task.id == assignment.task_id)).one()
    said = {"reason": reason, "note": note, "assignment_id": assignment.id}
    statement = insert(Report).values(
        project_id=assignment.project_id, prompt_id=prompt_id, reporter_id=actor.id, **said
    )
    report_id = session.scalars(
        statement.on_conflict_do_update(
            index_elements=["prompt_id", "reporter_id"],
            set_={**said, "outcome": None, "resolved_by": None, "resolved_at": None},
        ).returning(Report.id)
    ).one()
    _record(session, actor, "prompt.reported", report_id, assignment.project_id, prompt_id=prompt_id, reason=reason)
    return report_id


def list_reports(
    session: Session, project_id: int, page: PageRequest, *, is_open: bool | None = None
) -> Rows[SeenReport]:
    """A project's reports, newest first: all, or only those that wait for a decision (or have one)."""
    query = select(Report).where(Report.project_id == project_id)
    if is_open is not None:
        query = query.where(Report.outcome.is_(None) if is_open else Report.outcome.is_not(None))
    rows = page_by_id(session, query, Report.id, page)
    found = session.execute(
        select(Report.id, Prompt, User)
        .join(Prompt, Prompt.id == Report.prompt_id)
        .join(User, User.id == Report.reporter_id)
        .where(Report.id.in_([one.id for one in rows.items]))
    )
    details = {report_id: (prompt, reporter) for report_id, prompt, reporter in found}
    return Rows(items=[SeenReport(one, *details[one.id]) for one in rows.items], next_cursor=rows.next_cursor)


def resolve(session: Session, project_id: int, report_id: int, *, actor: User, outcome: Outcome) -> SeenReport:
    """Decide about a report. Retiring the prompt decides all its open reports and retires its open tasks.

    What was said about the prompt before stays; it is no longer asked about or trained on anew.

    Raises:
        NotFound: the project has no such report.
        Conflict: it was decided otherwise already.
    """
    locks.hold(session, f"reports:{project_id}")
    report = _get(session, project_id, report_id)
    if report.outcome is not None and report.outcome != outcome:
        raise Conflict(
            f"this report was already decided: {report.outcome}", type="report-resolved", advice="Reload the list."
        )
    if report.outcome is None:
        decided = [report]
        if outcome == "prompt_retired":
            decided = _open_reports(session, report.prompt_id)
            retire_prompt(session, report.prompt_id, actor)
        for one in decided:
            one.outcome, one.resolved_by, one.resolved_at = outcome, actor.id, session.scalar(select(func.now()))
            _record(session, actor, "report.resolved", one.id, project_id, prompt_id=one.prompt_id, outcome=outcome)
        session.flush()
    return SeenReport(report, session.get_one(Prompt, report.prompt_id), session.get_one(User, report.reporter_id))


def retire_prompt(session: Session, prompt_id: int, actor: User) -> None:
    """Take a prompt out of use with its open tasks; judgments and completions of it are kept."""
    prompt = session.get_one(Prompt, prompt_id, with_for_update=True)
    prompt.state = "retired"
    open_tasks = select(Task.id).where(Task.prompt_id == prompt_id, Task.state == "open").order_by(Task.id)
    task_ids = list(session.scalars(open_tasks))
    for task_id in task_ids:
        retire_task(session, slots.lock_task(session, task_id))
    audit.record(
        session,
        actor=actor,
        action="prompt.retired",
        object_type="prompt",
        object_id=prompt_id,
        project_id=prompt.project_id,
        detail={"tasks": task_ids},
    )


def _get(session: Session, project_id: int, report_id: int) -> Report:
    query = select(Report).where(Report.id == report_id, Report.project_id == project_id)
    report = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if report is None:
        raise NotFound("there is no such report in this project")
    return report


def _open_reports(session: Session, prompt_id: int) -> list[Report]:
    query = select(Report).where(Report.prompt_id == prompt_id, Report.outcome.is_(None)).order_by(Report.id)
    return list(session.scalars(query.with_for_update()))


def _record(session: Session, actor: User, action: str, report_id: int, project_id: int, **detail: int | str) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="report",
        object_id=report_id,
        project_id=project_id,
        detail=detail,
    )
