"""What an annotator sees of one assignment: the prompt, the completions under letters, the form, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.access import Access
from app.completions import service as completions
from app.completions.tables import Completion
from app.guidelines.tables import GuidelineVersion
from app.projects.settings import ProjectSettings, settings_of
from app.prompts.tables import Prompt
from app.rankings import practice
from app.rankings import service as rankings
from app.rankings.judgment import Judgment
from app.rankings.practice import Place
from app.rankings.tables import Ranking
from app.tasks.assignment import letters
from app.tasks.tables import Assignment, Task


@dataclass(frozen=True, slots=True)
class Card:
    """One completion on the desk: its text under a letter, and nothing about who wrote it."""

    id: int
    letter: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything an annotator gets to see of one assignment, models' names masked where the project says so.

    `practice` says where it stands in the practice round.
    """

    assignment: Assignment
    prompt_id: int
    messages: list[dict[str, Any]]
    cards: list[Card]
    settings: ProjectSettings
    previous: tuple[Ranking, Judgment] | None
    practice: Place | None
    guideline_number: int | None
    guideline_seen: int | None


def desk_of(session: Session, assignment: Assignment, access: Access) -> Desk:
    """The desk for one assignment, completions in this person's own order."""
    newest = select(func.max(GuidelineVersion.number)).where(GuidelineVersion.project_id == assignment.project_id)
    prompt, purpose, guideline = session.execute(
        select(Prompt, Task.purpose, newest.scalar_subquery())
        .join(Task, Task.prompt_id == Prompt.id)
        .where(Task.id == assignment.task_id)
    ).one()
    current = rankings.find_current(session, assignment.id) if assignment.state == "submitted" else None
    settings = settings_of(access.project)
    masked = completions.masker(session, assignment.project_id) if settings.mask_model_names else completions.as_it_is
    place = practice.place_of(session, assignment, access.membership) if purpose == "practice" else None
    return Desk(
        assignment=assignment,
        prompt_id=prompt.id,
        messages=[{**message, "content": masked(message["content"])} for message in prompt.messages],
        cards=_cards(session, assignment, masked),
        settings=settings,
        previous=(current, rankings.judgment_of(session, current)) if current else None,
        practice=place,
        guideline_number=guideline,
        guideline_seen=access.membership.guideline_seen,
    )


def _cards(session: Session, assignment: Assignment, masked: Callable[[str], str]) -> list[Card]:
    shown = assignment.shown_order
    texts = dict(session.execute(select(Completion.id, Completion.text).where(Completion.id.in_(shown))).all())
    return [Card(one, letter, masked(texts[one])) for one, letter in zip(shown, letters(len(shown)), strict=True)]
