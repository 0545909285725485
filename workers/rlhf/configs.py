"""Hyper-parameters of every recipe: plain data, so that the API can check a run and draw its form without torch.

Each field carries ``title``, ``description`` and, where there is one, ``minimum`` and ``maximum`` in its metadata.
"""

from dataclasses import Field, dataclass, fields
from math import isfinite
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints

from workers.rlhf.language_configs import PretrainConfig, SftConfig
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.setting import FORBID_UNKNOWN, setting


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
        "Completions written side by side; more is faster and takes more memory.",
        minimum=1,
        maximum=4096,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PpoConfig:
    """Improve a policy against a reward model with proximal policy optimisation."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    method: Literal["lora", "full"] = setting(
        "lora", "Method", "lora trains small adapters on a frozen base, full trains every weight."
    )
    updates: int = setting(8, "Updates", "Rounds of writing, judging and improving.", minimum=1, maximum=1_000_000)
    prompts_per_update: int = setting(
        8, "Prompts per update", "Prompts answered in one round.", minimum=1, maximum=65_536
    )
    samples_per_prompt: int = setting(
        4, "Completions per prompt", "Completions of each prompt in one round.", minimum=1, maximum=256
    )
    max_new_tokens: int = setting(
        48, "Longest completion", "Tokens after which a completion is cut.", minimum=1, maximum=8192
    )
    max_prompt_tokens: int = setting(
        384,
        "Longest prompt",
        "Longer prompts keep their last tokens; each cut is reported.",
        minimum=8,
        maximum=131_072,
    )
    temperature: float = setting(
        1.0, "Temperature", "Used while writing and while learning alike.", minimum=0.05, maximum=5
    )
    epochs: int = setting(2, "Epochs per update", "Passes over each round's completions.", minimum=1, maximum=64)
    minibatches: int = setting(
        2, "Minibatches", "Optimizer steps per pass; a prompt's completions stay together.", minimum=1, maximum=1024
    )
    prompts_per_chunk: int = setting(
        4,
        "Prompts per forward",
        "Prompts that go through the model together; only memory and speed depend on it.",
        minimum=1,
        maximum=4096,
    )
    learning_rate: float = setting(
        6e-4, "Learning rate (LoRA)", "Step size of the policy's adapters.", minimum=0.0, maximum=1.0
    )
    full_learning_rate: float = setting(
        5e-6, "Learning rate (full)", "Step size when every weight is trained.", minimum=0.0, maximum=1.0
    )
    value_learning_rate: float = setting(
        1e-3, "Learning rate (value head)", "Step size of the value head.", minimum=0.0, maximum=1.0
    )
    warmup_updates: int = setting(
        1, "Warm-up updates", "Rounds in which the learning rate rises from a tenth.", minimum=0, maximum=10_000
    )
    gradient_norm: float = setting(
        1.0, "Gradient norm", "Gradients longer than this are scaled down.", minimum=1e-6, maximum=1e6
    )
    kl_coefficient: float = setting(
        0.3,
        "KL coefficient (β)",
        "Price of one nat of distance from the reference, in reward SDs.",
        minimum=0.0,
        maximum=100,
    )
    kl_target: float = setting(
        0.0,
        "KL target",
        "Nats per completion that an adaptive β steers towards; 0 keeps β fixed.",
        minimum=0.0,
        maximum=1000,
    )
    kl_horizon: float = setting(
        0.2, "KL horizon", "Share of all episodes over which β adapts.", minimum=0.001, maximum=1000
    )
    stop_kl: float = setting(
        0.03,
        "Stop KL",
        "A round's passes end when the policy moved this many nats per token in it; 0 is off.",
        minimum=0.0,
        maximum=100,
    )
    discount: float = setting(1.0, "Discount (γ)", "Weight of the next step's value.", minimum=0.0, maximum=1.0)
    trace: float = setting(0.95, "Trace (λ)", "Bias against variance of the advantages.", minimum=0.0, maximum=1.0)
    policy_clip: float = setting(
        0.2, "Policy clip", "How far a token's probability ratio counts.", minimum=0.001, maximum=10
    )
    value_clip: float = setting(
        0.2, "Value clip", "How far a value may move in one round and still count.", minimum=0.001, maximum=1e6
    )
    value_weight: float = setting(0.1, "Value weight", "Weight of the value loss.", minimum=0.0, maximum=100)
    prompt_baseline: Literal["siblings", "none"] = setting(
        "siblings",
        "Prompt baseline",
        "siblings subtracts from each score the mean score of the prompt's other completions in the round, which "
        "takes the prompt's own offset out; none takes the score as it is.",
    )
    missing_stop_penalty: float = setting(
        0.5,
        "Penalty for no end",
        "Taken off the score of a completion that was cut before it ended.",
        minimum=0.0,
        maximum=100,
    )
    lora_rank: int = setting(16, "LoRA rank", "Width of the adapters.", minimum=1, maximum=1024)
    lora_alpha: int = setting(32, "LoRA alpha", "Adapters are scaled by alpha / rank.", minimum=1, maximum=4096)
    lora_layers: int = setting(
        10, "Adapted layers", "Only the last so many layers get adapters; 0 means all.", minimum=0, maximum=1000
    )
    checkpoint_every: int = setting(
        4, "Updates per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportModelConfig:
    """Turn a published model into a checked folder of safetensors."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    max_gigabytes: float = setting(
        20.0, "Size limit", "Larger weight files are refused.", minimum=0.001, maximum=10_000
    )


RECIPES: Final[MappingProxyType[str, type]] = MappingProxyType(
    {
        "sample": SampleConfig,
        "pretrain": PretrainConfig,
        "sft": SftConfig,
        "reward": RewardConfig,
        "ppo": PpoConfig,
        "import_model": ImportModelConfig,
    }
)
# What the service launches; the others run from the command line.
CONFIGS: Final[MappingProxyType[str, type]] = MappingProxyType(
    {kind: config for kind, config in RECIPES.items() if kind != "pretrain"}
)


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
    if isinstance(value, bool) or not isinstance(value, (int, float) if hint is float else hint):
        return f"must be {'a number' if hint is float else 'a whole number'}, not {value!r}"
    if not isfinite(value):
        return "must be finite"
    minimum, maximum = entry.metadata.get("minimum"), entry.metadata.get("maximum")
    if minimum is not None and value < minimum:
        return f"must be at least {minimum}, not {value}"
    if maximum is not None and value > maximum:
        return f"must be at most {maximum}, not {value}"
    return None
