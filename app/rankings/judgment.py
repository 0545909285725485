"""What a person says about a task's completions, and what a project asks for. Pure: no database, no clock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.errors import Unprocessable
from app.rankings.comparisons import check_tiers, ranks_of

Rationale = Literal["off", "optional", "required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a project asks beside the order."""

    ties_allowed: bool = True
    ask_rating: bool = False
    ask_flags: bool = False
    flags: tuple[str, ...] = ()
    rationale: Rationale = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """One person's answer. Times are milliseconds; `touched` is false when they left the order as it was shown."""

    tiers: Sequence[Sequence[int]]
    ratings: Mapping[int, int] = field(default_factory=dict)
    flags: Mapping[int, Sequence[str]] = field(default_factory=dict)
    rationale: str | None = None
    touched: bool = True
    moves: int = 0
    active_ms: int = 0

    def content(self) -> dict[str, Any]:
        """What was said, without how long it took: two answers with equal content are the same judgment."""
        return {
            "ranks": {str(completion): rank for completion, rank in sorted(ranks_of(self.tiers).items())},
            "ratings": {str(completion): rating for completion, rating in sorted(self.ratings.items())},
            "flags": {str(completion): sorted(set(flags)) for completion, flags in sorted(self.flags.items()) if flags},
            "rationale": self.rationale or None,
        }


def check_judgment(judgment: Judgment, form: Form, completion_ids: Collection[int]) -> None:
    """Raise `Unprocessable` naming the field that does not fit the task or the project's form."""
    check_tiers(judgment.tiers, completion_ids, ties_allowed=form.ties_allowed)
    _check_ratings(judgment.ratings, form, completion_ids)
    _check_flags(judgment.flags, form, completion_ids)
    _check_rationale(judgment.rationale, form)


def _check_ratings(ratings: Mapping[int, int], form: Form, completion_ids: Collection[int]) -> None:
    if ratings and not form.ask_rating:
        raise _refusal("ratings", "this project does not ask for ratings")
    for completion, rating in ratings.items():
        if completion not in completion_ids:
            raise _refusal("ratings", f"completion {completion} is not part of this task")
        if not 1 <= rating <= 7:
            raise _refusal("ratings", f"the rating of completion {completion} is {rating}; ratings are 1 to 7")


def _check_flags(flags: Mapping[int, Sequence[str]], form: Form, completion_ids: Collection[int]) -> None:
    if any(flags.values()) and not form.ask_flags:
        raise _refusal("flags", "this project does not ask for flags")
    for completion, chosen in flags.items():
        if completion not in completion_ids:
            raise _refusal("flags", f"completion {completion} is not part of this task")
        unknown = sorted(set(chosen) - set(form.flags))
        if unknown:
            raise _refusal("flags", f"this project has no flag {unknown[0][:80]!r}")


def _check_rationale(rationale: str | None, form: Form) -> None:
    given = bool(rationale and rationale.strip())
    if given and form.rationale == "off":
        raise _refusal("rationale", "this project does not ask for a rationale")
    if not given and form.rationale == "required":
        raise _refusal("rationale", "this project asks for a reason with each ranking")


def _refusal(name: str, detail: str) -> Unprocessable:
    return Unprocessable(detail, type="invalid-ranking", field=name, advice="Correct it and submit again.")
