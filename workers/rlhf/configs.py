"""Hyper-parameters of every recipe: plain data, so that the API can check a run and draw its form without torch.

Each field carries ``title``, ``description`` and, where there is one, ``minimum`` and ``maximum`` in its metadata.
"""

from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from math import isfinite
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints

from workers.rlhf.alternative_configs import BestOfNConfig, DpoConfig
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.flags import read_flags
from workers.rlhf.language_configs import PretrainConfig, SftConfig
from workers.rlhf.policy_configs import GrpoConfig, PpoConfig, RlooConfig
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.setting import FORBID_UNKNOWN, setting, stop_setting


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleConfig:
    """Write completions for prompts."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    prompts: int = setting(8, "Prompts", "How many prompts one run answers at most.", minimum=1, maximum=100_000)
    completions_per_prompt: int = setting(
        4, "Completions per prompt", "How many completions each prompt gets (K).", minimum=1, maximum=64
    )
    temperature: float = setting(
        0.8, "Temperature", "1 samples from the model as it is; lower is safer and less varied.", minimum=0.0, maximum=5
    )
    top_p: float = setting(
        0.95, "Top p", "Sample from the smallest set of tokens with this much probability.", minimum=0.01, maximum=1
    )
    top_k: int = setting(
        0, "Top k", "Sample from so many of the likeliest tokens; 0 is all.", minimum=0, maximum=1_000_000
    )
    presence_penalty: float = setting(
        0.0, "Presence penalty", "Taken off the logit of what was written already.", minimum=-2, maximum=2
    )
    frequency_penalty: float = setting(
        0.0, "Frequency penalty", "Taken off that logit for each time it was written.", minimum=-2, maximum=2
    )
    stop_strings: str = stop_setting()
    max_new_tokens: int = setting(
        96, "Longest completion", "Tokens after which a completion is cut.", minimum=1, maximum=8192
    )
    max_prompt_tokens: int = setting(
        768,
        "Longest prompt",
        "Longer prompts keep their last tokens; each cut is reported.",
        minimum=8,
        maximum=131_072,
    )
    rows_per_batch: int = setting(
        16,
        "Rows per batch",
        "Completions written side by side, a new one as soon as some have ended; more is faster and takes memory.",
        minimum=1,
        maximum=4096,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportModelConfig:
    """Turn a published model into a checked folder of safetensors."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    max_gigabytes: float = setting(
        20.0, "Size limit", "Larger weight files are refused.", minimum=0.001, maximum=10_000
    )


LONGEST_TEXT: Final = 2000
# What reads a text setting that is written in a way of its own; its ValueError says what is wrong.
WRITTEN_AS: Final[MappingProxyType[str, Callable[[str], object]]] = MappingProxyType({"flags": read_flags})
# Whole numbers are exact in JSON up to here.
LARGEST_NUMBER: Final = 2**53
RECIPES: Final[MappingProxyType[str, type]] = MappingProxyType(
    {
        "sample": SampleConfig,
        "pretrain": PretrainConfig,
        "sft": SftConfig,
        "reward": RewardConfig,
        "ppo": PpoConfig,
        "rloo": RlooConfig,
        "grpo": GrpoConfig,
        "dpo": DpoConfig,
        "best_of_n": BestOfNConfig,
        "evaluate": EvaluateConfig,
        "import_model": ImportModelConfig,
    }
)
# What the service launches: every one.
CONFIGS: Final[MappingProxyType[str, type]] = RECIPES
# Recipes that several processes can share; the others are one process's work.
SHARED: Final = frozenset({"sft", "pretrain", "ppo", "rloo", "grpo"})


def validate(config: Any) -> None:
    """Check a configuration's types and bounds.

    Raises:
        ValueError: the message starts with the name of the first field that is wrong.
    """
    hints = get_type_hints(type(config))
    for entry in fields(config):
        problem = _problem(getattr(config, entry.name), hints[entry.name], entry)
        if problem:
            raise ValueError(f"{entry.name}: {problem}")


def config_from(kind: str, values: dict[str, Any]) -> Any:
    """Build and check the configuration of a kind of run from plain JSON values.

    Raises:
        ValueError: unknown kind, unknown field, wrong type or out of bounds; the message names the field.
    """
    if kind not in RECIPES:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(RECIPES)}")
    known = {entry.name for entry in fields(RECIPES[kind])}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{unknown[0]}: is no setting of {kind}; there are {', '.join(sorted(known))}")
    config = RECIPES[kind](**values)
    validate(config)
    return config


def _problem(value: Any, hint: Any, entry: "Field[Any]") -> str | None:
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return None if value in choices else f"must be one of {', '.join(map(str, choices))}, not {value!r}"
    if hint is str:
        return _problem_of_text(value, entry.metadata.get("format"))
    if isinstance(value, bool) or not isinstance(value, (int, float) if hint is float else hint):
        return f"must be {'a number' if hint is float else 'a whole number'}, not {value!r}"
    if isinstance(value, float) and not isfinite(value):
        return "must be finite"
    minimum, maximum = entry.metadata.get("minimum"), entry.metadata.get("maximum", LARGEST_NUMBER)
    if minimum is not None and value < minimum:
        return f"must be at least {minimum}, not {value}"
    if value > maximum:
        return f"must be at most {maximum}, not {value}"
    return None


def _problem_of_text(value: Any, written_as: str | None) -> str | None:
    # NUL fits in no database.
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\0" in value:
        return f"must be a text of at most {LONGEST_TEXT} characters"
    if written_as is not None:
        try:
            WRITTEN_AS[written_as](value)
        except ValueError as error:
            return str(error)
    return None
