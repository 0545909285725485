"""Reports on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.inputs import Input, Prose
from app.prompts.messages import excerpt_of
from app.reports.service import SeenReport

Reason = Literal["unclear", "personal_data", "harmful", "other"]
Outcome = Literal["dismissed", "prompt_retired"]


class NewReport(Input):
    """What is wrong with a prompt; the note is for the project's admins."""

    reason: Reason
    note: Annotated[Prose, Field(max_length=2000)] = ""


class ReportReceipt(BaseModel):
    """The report that was kept."""

    id: int


class Resolution(Input):
    """What an admin decides: nothing is wrong, or the prompt is taken out of use."""

    outcome: Outcome


class ReportedPrompt(BaseModel):
    """The prompt that a report is about."""

    id: int
    excerpt: str


class ReportRead(BaseModel):
    """A report in the admin's list; `outcome` is null until it is decided."""

    id: int
    prompt: ReportedPrompt
    reason: Reason
    note: str
    reporter: str
    created_at: datetime
    outcome: Outcome | None
    resolved_at: datetime | None


def report_read(seen: SeenReport) -> ReportRead:
    """The wire form of a report."""
    report = seen.report
    return ReportRead.model_validate(
        {
            "id": report.id,
            "prompt": {"id": seen.prompt.id, "excerpt": excerpt_of(seen.prompt.messages)},
            "reason": report.reason,
            "note": report.note,
            "reporter": seen.reporter.name,
            "created_at": report.created_at,
            "outcome": report.outcome,
            "resolved_at": report.resolved_at,
        }
    )
