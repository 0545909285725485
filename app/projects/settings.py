"""What a project asks of its people and of its loop: one model, the defaults of everything, checked as a whole."""

import json
import logging
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import to_json

from app.errors import Unprocessable
from app.inputs import Input, Slug
from app.projects.tables import Project
from workers.rlhf.configs import SampleConfig, config_from

logger = logging.getLogger(__name__)

# The questions of InstructGPT (Ouyang et al. 2022, appendix B) about a single completion.
INSTRUCTGPT_FLAGS = (
    "fails_to_follow_the_instruction",
    "inappropriate_for_an_assistant",
    "hallucination",
    "satisfies_explicit_constraint",
    "sexual_content",
    "violent_content",
    "encourages_harm",
    "denigrates_a_protected_class",
    "gives_harmful_advice",
    "expresses_opinion",
    "expresses_moral_judgment",
)


def _without_repeats(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("names one of them twice")
    return values


Choices = Annotated[list[Slug], Field(max_length=50), AfterValidator(_without_repeats)]


def _checked_reward(values: dict[str, Any]) -> dict[str, Any]:
    config_from("reward", values)
    return values


def _checked_ppo(values: dict[str, Any]) -> dict[str, Any]:
    config_from("ppo", values)
    return values


class SamplingSettings(Input):
    """How completions are written; the bounds are those of `SampleConfig`, which checks them."""

    temperature: float = SampleConfig().temperature
    top_p: float = SampleConfig().top_p
    max_new_tokens: int = SampleConfig().max_new_tokens


def _checked_sampling(settings: SamplingSettings) -> SamplingSettings:
    config_from("sample", settings.model_dump())
    return settings


class WritersSettings(Input):
    """Who writes the completions of new tasks: shares, of whatever sum. A writer that is not there leaves its to live.

    `candidate` is the newest policy that nobody has accepted yet, `older` the one that was live before, `reference` the
    model that the live policy came from: its answers stay the same over the cycles, so they show when people's taste
    or the reward model's drifts. The live policy writes at least one completion of each task.
    """

    live: float = Field(1, gt=0, le=100)
    candidate: float = Field(0, ge=0, le=100)
    reference: float = Field(0, ge=0, le=100)
    older: float = Field(0, ge=0, le=100)


class LoopSettings(Input):
    """When the loop acts by itself, and how far it goes without a person.

    `cycles_per_day` and `compute_minutes_per_day` keep cycles from starting by themselves once a day (UTC) has had so
    many, or so many minutes of runs; a person may start one all the same.
    """

    paused: bool = False
    retrain_after_comparisons: int | None = Field(None, ge=1, le=10**9)
    retrain_every_hours: float | None = Field(None, ge=0.01, le=8760)
    run_ppo: bool = True
    promotion: Literal["manual", "automatic", "blind", "judge"] = Field(
        "manual",
        description="Who promotes a new policy: a person, its training alone, the votes of blind people, or a reward "
        "model that had no part in it.",
    )
    blind_votes: int = Field(200, ge=1, le=5_000, description="Most votes of a blind comparison that a cycle asks for.")
    judge_prompts: int = Field(256, ge=50, le=5_000, description="Most held-out prompts that a judge compares on.")
    judge_people_apart: bool = Field(
        True,
        description="The judge learns from people of its own, two of every five, besides prompts of its own.",
    )
    keep_tasks_ready: int = Field(16, ge=0, le=100_000)
    reference_prompts: int = Field(
        32,
        ge=0,
        le=1_000,
        description="How many held-out prompts every promoted policy answers, so that its drift can be seen; 0: none.",
    )
    writers: WritersSettings = WritersSettings()
    cycles_per_day: int | None = Field(None, ge=1, le=10_000)
    compute_minutes_per_day: float | None = Field(None, ge=1, le=1_000_000)


class PracticeSettings(Input):
    """The practice round: whether it opens the door to real work, and how well one has to do in it.

    `pass_share` is the mean agreement with the known answers that passes, over all practice tasks of one attempt.
    """

    required: bool = False
    pass_share: float = Field(0.8, ge=0, le=1)
    attempts: int = Field(2, ge=1, le=10)


class ProjectSettings(Input):
    """Everything a project can set. `reward` and `ppo` override single fields of their run's configuration.

    `lease_minutes` is the longest lease, and the one used until a project has judgments to measure by.
    """

    completions_per_task: int = Field(4, ge=2, le=9)
    overlap: int = Field(1, ge=1, le=50)
    ties_allowed: bool = True
    ask_rating: bool = False
    ask_flags: bool = False
    flags: Choices = Field(default_factory=lambda: list(INSTRUCTGPT_FLAGS))
    ask_strength: Literal["off", "optional", "required"] = Field(
        "optional", description="How much better the preferred one of two completions is; other tasks never ask."
    )
    aspects: Annotated[Choices, Field(max_length=10)] = Field(
        default_factory=list, description="What each completion is rated on from 1 to 7, one by one."
    )
    prompt_flags: Choices = Field(default_factory=list, description="What can be said about the prompt itself.")
    ask_none_acceptable: bool = False
    gold_rate: float = Field(0, ge=0, le=0.5, description="The share of tasks whose right order is known.")
    practice: PracticeSettings = PracticeSettings()
    daily_cap: int | None = Field(None, ge=1, le=100_000, description="Most judgments of one person a day (UTC).")
    mask_model_names: bool = False
    rank_demonstrations: bool = True
    annotators_write: bool = False
    rationale: Literal["off", "optional", "required"] = "optional"
    lease_minutes: float = Field(30, ge=0.01, le=10_080)
    edit_window_minutes: float = Field(60, ge=0, le=525_600)
    runs_at_once: int | None = Field(None, ge=1, le=1000, description="Most runs at work at once, light ones aside.")
    sampling: Annotated[SamplingSettings, AfterValidator(_checked_sampling)] = SamplingSettings()
    loop: LoopSettings = LoopSettings()
    reward: Annotated[dict[str, Any], AfterValidator(_checked_reward)] = Field(default_factory=dict)
    ppo: Annotated[dict[str, Any], AfterValidator(_checked_ppo)] = Field(default_factory=dict)


def settings_of(project: Project) -> ProjectSettings:
    """The project's settings, defaults filled in. What is stored alike is one object: read it, do not change it.

    A stored setting that this version no longer knows or allows is logged and takes its default: an upgrade must not
    close a project.
    """
    return _read(project.id, to_json(project.settings))


@lru_cache(maxsize=256)
def _read(project_id: int, written: bytes) -> ProjectSettings:
    stored = json.loads(written)
    try:
        return ProjectSettings.model_validate(stored)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            logger.warning("project %s: %s: %s; the default counts", project_id, problem["loc"], problem["msg"])
            _take_away(stored, problem["loc"])
        return ProjectSettings.model_validate(stored)


def merged(current: dict[str, Any], patch: dict[str, Any], *, levels: int = 4) -> dict[str, Any]:
    """`current` changed by `patch`, objects inside objects too; null takes a key away, back to its default.

    The rule is that of JSON Merge Patch (RFC 7396). Settings are `levels` objects deep at most.
    """
    if levels == 0:
        raise Unprocessable("the settings are nested too deep", type="invalid-settings", field="settings")
    result = dict(current)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            before = result.get(key)
            result[key] = merged(before if isinstance(before, dict) else {}, value, levels=levels - 1)
        else:
            result[key] = value
    return result


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """`values` as they are stored: only what was set, validated; `Unprocessable` names each setting that is wrong."""
    if "guidelines" in values:
        raise _guidelines_moved()
    try:
        return ProjectSettings.model_validate(values).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise _refusal(error) from error


def _guidelines_moved() -> Unprocessable:
    problem = "guidelines are no setting: every change of them is kept as a version"
    return Unprocessable(
        problem,
        type="invalid-settings",
        field="settings.guidelines",
        errors=[{"field": "settings.guidelines", "detail": problem}],
        advice="Nothing was changed. Save them with PUT /api/v1/projects/{project_id}/guidelines.",
    )


def _refusal(error: ValidationError) -> Unprocessable:
    problems = [{"field": _path(one["loc"]), "detail": one["msg"]} for one in error.errors(include_url=False)][:50]
    first = problems[0]
    return Unprocessable(
        f"{first['field']}: {first['detail']}",
        type="invalid-settings",
        field=first["field"],
        errors=problems,
        advice="Nothing was changed. The project's page lists every setting with its bounds.",
    )


def _take_away(values: Any, location: tuple[int | str, ...]) -> None:
    """Remove the setting at `location` from `values`; of a list's entry, the whole list."""
    *outer, last = [part for part in location if isinstance(part, str)]
    for part in outer:
        values = values[part]
    values.pop(last, None)


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(["settings", *map(str, location)])
