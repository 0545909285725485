"""What a person says about a task's completions, and what a project asks for. Pure: no database, no clock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.errors import Unprocessable
from app.rankings.comparisons import check_tiers, ranks_of

Asked = Literal["off", "optional", "required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a project asks beside the order."""

    ties_allowed: bool = True
    ask_rating: bool = False
    ask_flags: bool = False
    flags: tuple[str, ...] = ()
    rationale: Asked = "off"
    ask_strength: Asked = "off"
    aspects: tuple[str, ...] = ()
    prompt_flags: tuple[str, ...] = ()
    ask_none_acceptable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What the person had before them: a record of the circumstances, no part of what they said.

    `client` describes window and page, `visible_ms` how long each completion was on screen, `first_act_ms` how long
    they looked before they first acted. What a client does not know is absent.
    """

    client: Mapping[str, Any] = field(default_factory=dict)
    visible_ms: Mapping[int, int] = field(default_factory=dict)
    layout: str | None = None
    differences_shown: bool = False
    first_act_ms: int | None = None

    def record(self) -> dict[str, Any]:
        """The form in which it is stored; empty when nothing is known."""
        known: dict[str, Any] = {"client": dict(self.client), "layout": self.layout, "first_act_ms": self.first_act_ms}
        known["visible_ms"] = {str(completion): shown for completion, shown in sorted(self.visible_ms.items())}
        known["differences_shown"] = self.differences_shown or None
        return {name: value for name, value in known.items() if value not in (None, {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """One person's answer. Times are milliseconds; `touched` is false when they left the order as it was shown.

    `strength` (1 negligibly better … 4 significantly better) is of a decided pair. `aspects` are ratings from 1 to 7 by
    completion and aspect. `guideline_number` is the version of the guidelines that was at hand.
    """

    tiers: Sequence[Sequence[int]]
    ratings: Mapping[int, int] = field(default_factory=dict)
    flags: Mapping[int, Sequence[str]] = field(default_factory=dict)
    rationale: str | None = None
    strength: int | None = None
    aspects: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    prompt_flags: Sequence[str] = ()
    none_acceptable: bool = False
    guideline_number: int | None = None
    presentation: Presentation = Presentation()
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
            "strength": self.strength,
            "aspects": {str(completion): dict(given) for completion, given in sorted(self.aspects.items()) if given},
            "prompt_flags": sorted(set(self.prompt_flags)),
            "none_acceptable": self.none_acceptable,
        }


def check_judgment(judgment: Judgment, form: Form, completion_ids: Collection[int]) -> None:
    """Raise `Unprocessable` naming the field that does not fit the task or the project's form."""
    check_tiers(judgment.tiers, completion_ids, ties_allowed=form.ties_allowed)
    _check_strength(judgment, form)
    _check_ratings(judgment.ratings, form, completion_ids)
    _check_aspects(judgment.aspects, form, completion_ids)
    _check_flags(judgment.flags, form, completion_ids)
    _check_prompt(judgment, form)
    _check_rationale(judgment.rationale, form)
    _check_completions("presentation.visible_ms", judgment.presentation.visible_ms, completion_ids)


def _check_completions(name: str, given: Mapping[int, Any], completion_ids: Collection[int]) -> None:
    strangers = [completion for completion in given if completion not in completion_ids]
    if strangers:
        raise _refusal(name, f"completion {strangers[0]} is not part of this task")


def _check_strength(judgment: Judgment, form: Form) -> None:
    strength, decided = judgment.strength, len(judgment.tiers) == 2
    pair = sum(map(len, judgment.tiers)) == 2
    if strength is None:
        if pair and decided and form.ask_strength == "required":
            raise _refusal("strength", "this project asks how much better the preferred completion is")
        return
    if form.ask_strength == "off":
        raise _refusal("strength", "this project does not ask for a strength")
    if not pair:
        raise _refusal("strength", "a strength belongs to a task with exactly two completions")
    if not decided:
        raise _refusal("strength", "a tie has no strength")
    if not 1 <= strength <= 4:
        raise _refusal("strength", f"the strength is {strength}; strengths are 1 to 4")


def _check_ratings(ratings: Mapping[int, int], form: Form, completion_ids: Collection[int]) -> None:
    if ratings and not form.ask_rating:
        raise _refusal("ratings", "this project does not ask for ratings")
    _check_completions("ratings", ratings, completion_ids)
    for completion, rating in ratings.items():
        if not 1 <= rating <= 7:
            raise _refusal("ratings", f"the rating of completion {completion} is {rating}; ratings are 1 to 7")


def _check_aspects(aspects: Mapping[int, Mapping[str, int]], form: Form, completion_ids: Collection[int]) -> None:
    _check_completions("aspects", aspects, completion_ids)
    for completion, given in aspects.items():
        unknown = sorted(set(given) - set(form.aspects))
        if unknown:
            raise _refusal("aspects", f"this project has no aspect {unknown[0][:80]!r}")
        if not all(1 <= rating <= 7 for rating in given.values()):
            raise _refusal("aspects", f"a rating of completion {completion} is out of range; ratings are 1 to 7")


def _check_flags(flags: Mapping[int, Sequence[str]], form: Form, completion_ids: Collection[int]) -> None:
    if any(flags.values()) and not form.ask_flags:
        raise _refusal("flags", "this project does not ask for flags")
    _check_completions("flags", flags, completion_ids)
    for chosen in flags.values():
        unknown = sorted(set(chosen) - set(form.flags))
        if unknown:
            raise _refusal("flags", f"this project has no flag {unknown[0][:80]!r}")


def _check_prompt(judgment: Judgment, form: Form) -> None:
    unknown = sorted(set(judgment.prompt_flags) - set(form.prompt_flags))
    if unknown:
        raise _refusal("prompt_flags", f"this project has no prompt flag {unknown[0][:80]!r}")
    if judgment.none_acceptable and not form.ask_none_acceptable:
        raise _refusal("none_acceptable", "this project does not ask whether none is acceptable")


def _check_rationale(rationale: str | None, form: Form) -> None:
    given = bool(rationale and rationale.strip())
    if given and form.rationale == "off":
        raise _refusal("rationale", "this project does not ask for a rationale")
    if not given and form.rationale == "required":
        raise _refusal("rationale", "this project asks for a reason with each ranking")


def _refusal(name: str, detail: str) -> Unprocessable:
    return Unprocessable(detail, type="invalid-ranking", field=name, advice="Correct it and submit again.")
