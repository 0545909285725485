"""The kinds of runs a person can launch: what each does, which queue serves it, what its form looks like."""

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from workers.rlhf.configs import CONFIGS

Queue = Literal["light", "training"]
JSON_TYPES: Final[MappingProxyType[type, str]] = MappingProxyType(
    {int: "integer", float: "number", str: "string", bool: "boolean"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of run."""

    name: str
    title: str
    description: str
    queue: Queue


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
            ),
            Kind(
                name="sft",
                title="Fine-tune on demonstrations",
                description="Freeze the demonstrations into a snapshot and teach a model to answer like them.",
                queue="training",
            ),
            Kind(
                name="reward",
                title="Train a reward model",
                description="Freeze the rankings into a snapshot and learn from it which completion people prefer.",
                queue="training",
            ),
            Kind(
                name="ppo",
                title="Improve the policy",
                description="Proximal policy optimisation of the live policy against a reward model.",
                queue="training",
            ),
        )
    }
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
