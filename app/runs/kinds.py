"""The kinds of runs a person can launch: what each does, which queue serves it, what its form looks like."""

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from app.config import Settings, UnknownSettingError, get_settings
from workers.rlhf.configs import CONFIGS

Queue = Literal["light", "training"]
LeftOpen = Literal["live", "root", "run", "none"]
JSON_TYPES: Final[MappingProxyType[type, str]] = MappingProxyType(
    {int: "integer", float: "number", str: "string", bool: "boolean"}
)


ROOTS: Final = ("base", "sft")
WRITERS: Final = ("base", "sft", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A part that a model version plays in a run. `whole`: an adapter on other weights cannot play it.

    `optional`: nobody needs to be named. `left_open` says who plays it then: the project's live model, the root that
    the policy came from, the one of the policy's own run, or nobody. `many`: several versions share the part, each
    under a name of its own.
    """

    name: str
    description: str
    kinds: tuple[str, ...]
    whole: bool = False
    optional: bool = False
    left_open: LeftOpen = "live"
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of run."""

    name: str
    title: str
    description: str
    queue: Queue
    roles: tuple[Role, ...] = ()


IMPROVED: Final = Role(name="policy", description="The model that is improved.", kinds=WRITERS)
IMPROVED_AND_SCORER: Final = (IMPROVED, Role(name="reward", description="The model that scores it.", kinds=("reward",)))
COMPARED: Final = (
    Role(name="policy", description="The model that is judged.", kinds=WRITERS),
    Role(
        name="reference",
        description="What the distance is measured from; left out, the model that it came from in the beginning.",
        kinds=WRITERS,
        optional=True,
        left_open="root",
    ),
    Role(
        name="rival",
        description="Another version to compare with.",
        kinds=WRITERS,
        optional=True,
        left_open="none",
    ),
    Role(
        name="judge",
        description="A reward model that no model here was trained with; else it counts as proxy.",
        kinds=("reward",),
        optional=True,
        left_open="none",
    ),
    Role(
        name="proxy",
        description="The reward model that the policy was trained with; left out, the one of its run.",
        kinds=("reward",),
        optional=True,
        left_open="run",
    ),
)
# Kinds that let a model answer the prompts of the train split.
ANSWERING: Final = frozenset({"ppo", "rloo", "grpo", "best_of_n"})

KINDS: Final[MappingProxyType[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                name="import_model",
                title="Import a model",
                description="Turn a published model into a checked folder of safetensors that other runs load.",
                queue="light",
            ),
            Kind(
                name="sample",
                title="Write completions",
                description="Let one or several models answer prompts; a task appears as soon as a prompt has its K.",
                queue="training",
                roles=(Role(name="writers", description="They share a prompt's K evenly.", kinds=WRITERS, many=True),),
            ),
            Kind(
                name="pretrain",
                title="Pretrain on a text",
                description="Learn a raw text: a small model with a tokenizer of its own, or a base that learns on.",
                queue="training",
                roles=(
                    Role(
                        name="base",
                        description="The model that learns on; without one, a new one is built.",
                        kinds=ROOTS,
                        whole=True,
                        optional=True,
                        left_open="none",
                    ),
                ),
            ),
            Kind(
                name="sft",
                title="Fine-tune on demonstrations",
                description="Freeze the demonstrations into a snapshot and teach a model to answer like them.",
                queue="training",
                roles=(
                    Role(name="base", description="The model that is taught.", kinds=ROOTS, whole=True),
                    Role(
                        name="reward",
                        description="Scores the answers at each look; keep = reward asks the live one if none is set.",
                        kinds=("reward",),
                        optional=True,
                        left_open="none",
                    ),
                ),
            ),
            Kind(
                name="reward",
                title="Train a reward model",
                description="Freeze the rankings into a snapshot and learn from it which completion people prefer.",
                queue="training",
                roles=(
                    Role(name="base", description="The model that it starts from.", kinds=ROOTS),
                    Role(
                        name="live",
                        description="Read on the same held-out judgments, to decide between the two; the live one.",
                        kinds=("reward",),
                        optional=True,
                    ),
                ),
            ),
            Kind(
                name="ppo",
                title="Improve the policy",
                description="Proximal policy optimisation of the live policy against a reward model.",
                queue="training",
                roles=IMPROVED_AND_SCORER,
            ),
            Kind(
                name="rloo",
                title="Improve the policy (RLOO)",
                description="The same without values: each completion against the mean of the prompt's others.",
                queue="training",
                roles=IMPROVED_AND_SCORER,
            ),
            Kind(
                name="grpo",
                title="Improve the policy (GRPO)",
                description="The same with scores on the scale of the prompt's own group and the KL in the loss.",
                queue="training",
                roles=IMPROVED_AND_SCORER,
            ),
            Kind(
                name="dpo",
                title="Improve the policy on rankings (DPO)",
                description="Freeze the rankings into a snapshot and teach the policy on them, without a reward model.",
                queue="training",
                roles=(IMPROVED,),
            ),
            Kind(
                name="best_of_n",
                title="Learn the best of n",
                description="Write n completions of each prompt, score and store them all, and learn the best ones.",
                queue="training",
                roles=IMPROVED_AND_SCORER,
            ),
            Kind(
                name="evaluate",
                title="Evaluate a policy",
                description="Let it and others answer held-out prompts: distance, wins, length, what was forgotten.",
                queue="training",
                roles=COMPARED,
            ),
        )
    }
)


def queue_of(kind: str) -> str:
    """The queue that a kind's runs wait in where nobody names another."""
    return get_settings().queues_of_kinds.get(kind, KINDS[kind].queue)


def require_known_kinds(settings: Settings) -> None:
    """`UnknownSettingError` where a queue is given to a kind that there is not."""
    unknown = sorted(settings.queues_of_kinds.keys() - KINDS.keys())
    if unknown:
        raise UnknownSettingError(
            f"PLACKETT_KIND_QUEUES: no run is of the kind {unknown[0]}; there are {', '.join(KINDS)}"
        )


def form_schema(kind: str) -> dict[str, Any]:
    """JSON Schema of a kind's configuration, with titles, bounds and defaults, for the launch form."""
    config = CONFIGS[kind]
    hints = get_type_hints(config)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {entry.name: _property(entry, hints[entry.name]) for entry in fields(config)},
    }


def _property(entry: Any, hint: Any) -> dict[str, Any]:
    shape = (
        {"type": "string", "enum": list(get_args(hint))}
        if get_origin(hint) is Literal
        else {"type": JSON_TYPES.get(hint, "object")}
    )
    return {**shape, **entry.metadata, "default": entry.default}
