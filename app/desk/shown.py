"""What an annotator sees of one assignment: the prompt, the completions under letters, the form, nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.auth.access import Access
from app.completions import service as completions
from app.projects.settings import ProjectSettings, settings_of
from app.rankings import practice
from app.rankings import service as rankings
from app.rankings.judgment import Judgment
from app.rankings.practice import Place
from app.rankings.tables import Ranking
from app.tasks.assignment import letters
from app.tasks.contents import Contents, contents_of
from app.tasks.tables import Assignment


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


def desk_of(session: Session, assignment: Assignment, access: Access, contents: Contents | None = None) -> Desk:
    """The desk for one assignment, completions in this person's own order; looks up what it is about unless told."""
    about = contents or contents_of(session, assignment.task_id)
    current = rankings.find_current(session, assignment.id) if assignment.state == "submitted" else None
    settings = settings_of(access.project)
    masked = completions.masker(session, assignment.project_id) if settings.mask_model_names else completions.as_it_is
    place = practice.place_of(session, assignment) if about.purpose == "practice" else None
    return Desk(
        assignment=assignment,
        prompt_id=about.prompt_id,
        messages=[{**message, "content": masked(message["content"])} for message in about.messages],
        cards=_cards(assignment.shown_order, about.texts, masked),
        settings=settings,
        previous=(current, rankings.judgment_of(session, current)) if current else None,
        practice=place,
        guideline_number=about.guideline,
        guideline_seen=access.membership.guideline_seen,
    )


def _cards(shown: Sequence[int], texts: Mapping[str, str], masked: Callable[[str], str]) -> list[Card]:
    named = zip(shown, letters(len(shown)), strict=True)
    return [Card(completion_id, letter, masked(texts[str(completion_id)])) for completion_id, letter in named]
