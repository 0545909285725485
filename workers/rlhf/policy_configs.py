"""Hyper-parameters of the recipes that improve a policy in rounds of writing and learning: PPO, RLOO and GRPO."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from workers.rlhf.setting import FORBID_UNKNOWN, setting, stop_setting


class Writing(Protocol):
    """What has to be known to let a policy write and to read it again."""

    @property
    def temperature(self) -> float:
        """Of the distribution that is written from and learnt in."""

    @property
    def max_new_tokens(self) -> int:
        """Tokens after which a completion is cut."""

    @property
    def max_prompt_tokens(self) -> int:
        """Longer prompts keep their last tokens."""

    @property
    def prompts_per_chunk(self) -> int:
        """Prompts that go through a model together."""

    @property
    def stop_strings(self) -> str:
        """What else ends a completion, as `drawing.listed` reads it."""


class Judging(Writing, Protocol):
    """What has to be known to judge what was written."""

    @property
    def missing_stop_penalty(self) -> float:
        """Taken off the score of a completion that was cut."""

    @property
    def pessimism(self) -> float:
        """Spreads of an ensemble that are taken off its mean."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What of the policy learns, and how fast."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    method: Literal["lora", "full"] = setting(
        "lora", "Method", "lora trains small adapters on a frozen base, full trains every weight."
    )


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Rounds of writing, judging and improving."""

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
    stop_strings: str = stop_setting()
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
    stop_kl: float = setting(
        0.03,
        "Stop KL",
        "A round's passes end when the policy moved this many nats per token in it; 0 is off.",
        minimum=0.0,
        maximum=100,
    )
    policy_clip: float = setting(0.2, "Policy clip", "How far a probability ratio counts.", minimum=0.001, maximum=10)
    missing_stop_penalty: float = setting(
        0.5,
        "Penalty for no end",
        "Taken off the score of a completion that was cut before it ended.",
        minimum=0.0,
        maximum=100,
    )
    pessimism: float = setting(
        0.0,
        "Pessimism (λ)",
        "A score is the ensemble's mean less this many of its spread; needs a reward model with several heads.",
        minimum=0.0,
        maximum=100,
    )


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """The shape of LoRA adapters, and how often a run is kept."""

    lora_rank: int = setting(16, "LoRA rank", "Width of the adapters.", minimum=1, maximum=1024)
    lora_alpha: int = setting(32, "LoRA alpha", "Adapters are scaled by alpha / rank.", minimum=1, maximum=4096)
    lora_layers: int = setting(
        10,
        "Adapted layers",
        "Only the last so many layers get adapters, and what the layers below say is worked out once a round; 0 means "
        "all.",
        minimum=0,
        maximum=1000,
    )
    checkpoint_every: int = setting(
        4, "Updates per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )


@dataclass(frozen=True, kw_only=True)
class Online(Adapters, Rounds, Trained):
    """A policy that learns from what it writes."""

    pretrain_weight: float = setting(
        0.0,
        "Pretraining weight (γ)",
        "Weight of the likelihood of other text in each step, against forgetting; 0 is off.",
        minimum=0.0,
        maximum=1e6,
    )
    pretrain_rows: int = setting(
        8, "Pretraining texts per step", "Texts, or stretches of a long one, in each step.", minimum=1, maximum=65_536
    )
    pretrain_tokens: int = setting(
        128, "Pretraining text length", "Tokens of each of these texts.", minimum=2, maximum=131_072
    )
    ema: float = setting(
        0.0,
        "Averaging of weights",
        "Share of the average that stays at each update (0.992 in InstructGPT); the average is what is kept. 0 is off; "
        "of little use under 200 updates.",
        minimum=0.0,
        maximum=0.99999,
    )


@dataclass(frozen=True, kw_only=True)
class PpoConfig(Online):
    """Improve a policy against a reward model with proximal policy optimisation."""

    value: Literal["shared", "apart"] = setting(
        "shared",
        "Value",
        "shared reads values from the policy's own states while it writes; apart learns them on a copy of the reward "
        "model's adapter (with method full, of a whole reward model), which takes a pass of its own.",
    )
    value_learning_rate: float = setting(
        1e-3, "Learning rate (value head)", "Step size of the value head.", minimum=0.0, maximum=1.0
    )
    value_clip: float = setting(
        0.2, "Value clip", "How far a value may move in one round and still count.", minimum=0.001, maximum=1e6
    )
    value_weight: float = setting(0.1, "Value weight", "Weight of the value loss.", minimum=0.0, maximum=100)
    blind_value: Literal["warn", "stop"] = setting(
        "warn",
        "Value that explains nothing",
        "What happens at the third update when the values explain nothing of the returns: a warning, or, where that is "
        "sure, the end of the run.",
    )
    discount: float = setting(1.0, "Discount (γ)", "Weight of the next step's value.", minimum=0.0, maximum=1.0)
    # With λ = 0.95 the first of 48 tokens hears 0.95⁴⁷ = 9 % of what the end was paid: see docs/decisions.md.
    trace: float = setting(
        1.0,
        "Trace (λ)",
        "Bias against variance of the advantages. At 1 a token hears all that is paid after it; below, each token on "
        "the way keeps a share λ of it and the values, which must first be learnt, stand for the rest.",
        minimum=0.0,
        maximum=1.0,
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
    prompt_baseline: Literal["siblings", "none"] = setting(
        "siblings",
        "Prompt baseline",
        "siblings subtracts from each score the mean score of the prompt's other completions in the round, which "
        "takes the prompt's own offset out; none takes the score as it is.",
    )


@dataclass(frozen=True, kw_only=True)
class RlooConfig(Online):
    """Improve a policy by comparing each completion with the prompt's others (leave-one-out), without values."""

    epochs: int = setting(1, "Epochs per update", "Passes over each round's completions.", minimum=1, maximum=64)
    samples_per_prompt: int = setting(
        4, "Completions per prompt", "Completions of each prompt in one round.", minimum=2, maximum=256
    )


@dataclass(frozen=True, kw_only=True)
class GrpoConfig(Online):
    """Improve a policy by comparing completions with their group's mean and spread, with the KL in the loss."""

    samples_per_prompt: int = setting(
        8, "Completions per prompt", "Completions of each prompt in one round: the group.", minimum=2, maximum=256
    )
    kl_coefficient: float = setting(
        0.04, "KL coefficient (β)", "Weight of the distance from the reference in the loss.", minimum=0.0, maximum=100
    )
    scale: Literal["group", "none"] = setting(
        "group",
        "Scale of advantages",
        "group divides by the group's standard deviation, none takes differences of scores as they are.",
    )
    length: Literal["mean", "sum"] = setting(
        "mean",
        "Length",
        "mean divides each completion's loss by its own length; sum divides by the longest one allowed, so that long "
        "and short completions count a token alike.",
    )
