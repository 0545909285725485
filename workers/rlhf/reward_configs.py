"""Hyper-parameters of reward models: plain data."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.rlhf.setting import FORBID_UNKNOWN, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardConfig:
    """Train a reward model on rankings."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    method: Literal["lora", "full"] = setting(
        "lora", "Method", "lora trains small adapters on a frozen base, full trains every weight."
    )
    ties: Literal["drop", "half", "rao_kupper", "davidson"] = setting(
        "half",
        "Ties",
        "drop leaves tied pairs out, half counts a tie as half a win each, Rao–Kupper and Davidson learn how likely "
        "a tie is.",
    )
    likelihood: Literal["pairs", "plackett_luce", "davidson_luce"] = setting(
        "pairs",
        "Likelihood",
        "pairs compares two completions at a time; plackett_luce and davidson_luce read a whole ranking at once, the "
        "first sums over the orders that its ties leave open, the second learns how likely ties of each size are.",
    )
    margin: float = setting(
        0.0,
        "Margin",
        "Lead in score asked for with each step of preference strength above the weakest; 0 is off.",
        minimum=0.0,
        maximum=10.0,
    )
    overlap: Literal["soft", "majority"] = setting(
        "soft",
        "Overlap",
        "soft counts every judgment, so that a pair on which people disagree has a soft label; majority takes what "
        "most said.",
    )
    overlap_correlation: float = setting(
        0.5,
        "Correlation of overlap (ρ)",
        "n judgments of the same pair weigh n / (1 + (n - 1) ρ) together: 0 counts each in full, 1 all as one.",
        minimum=0.0,
        maximum=1.0,
    )
    annotators: Literal["equal", "weights", "parameters"] = setting(
        "equal",
        "Annotators",
        "equal counts all alike, weights uses the weight that a judgment brings along, parameters learns how sharply "
        "each person sees differences and how readily they tie.",
    )
    annotator_spread: float = setting(
        0.3,
        "Spread of annotators (τ)",
        "How far people's parameters may differ, as the SD of their logarithm.",
        minimum=0.001,
        maximum=10.0,
    )
    heads: int = setting(
        1,
        "Heads",
        "More than one trains an ensemble on one trunk, each head with its own random weights of the prompts; how far "
        "they disagree tells how sure a score is.",
        minimum=1,
        maximum=64,
    )
    read: Literal["stop", "mean"] = setting(
        "stop",
        "Score read at",
        "stop reads a completion's score at its stop token, mean averages it over all of its tokens. With few "
        "rankings mean often tells more pairs; it can't be exported as a sequence classifier, which reads one token.",
    )
    prefix: Literal["auto", "cache", "tree", "rows"] = setting(
        "auto",
        "Shared prompt",
        "cache hands the prompt's keys and values to its completions, tree puts all into one row with a tree mask, "
        "rows repeats the prompt; auto takes the fastest that is exact for the model.",
    )
    epochs: int = setting(
        1, "Epochs", "Passes over the rankings; more than one overfits quickly.", minimum=1, maximum=50
    )
    minimum_steps: int = setting(
        12,
        "Fewest steps",
        "With few rankings the passes are repeated until this many optimizer steps are done.",
        minimum=1,
        maximum=10_000,
    )
    prompts_per_step: int = setting(
        8, "Prompts per step", "Prompts (each with all its completions) per optimizer step.", minimum=1, maximum=1024
    )
    prompts_per_chunk: int = setting(
        0,
        "Prompts per forward",
        "Prompts that go through the model together; only memory and speed depend on it. 0 takes a few hundred tokens "
        "at a time on a CPU, and on a GPU as many prompts as its memory has room for.",
        minimum=0,
        maximum=1024,
    )
    learning_rate: float = setting(2e-4, "Learning rate (LoRA)", "Step size of the adapters.", minimum=0.0, maximum=1.0)
    full_learning_rate: float = setting(
        2e-5, "Learning rate (full)", "Step size when every weight is trained.", minimum=0.0, maximum=1.0
    )
    head_learning_rate: float = setting(
        1e-3, "Learning rate (head)", "Step size of the score head.", minimum=0.0, maximum=1.0
    )
    tie_learning_rate: float = setting(
        1e-2, "Learning rate (ties)", "Step size of the learnt tie parameter.", minimum=0.0, maximum=1.0
    )
    weight_decay: float = setting(0.0, "Weight decay", "Pull of the weights towards zero.", minimum=0.0, maximum=1.0)
    warmup_fraction: float = setting(
        0.05, "Warm-up", "Share of the steps in which the learning rate rises.", minimum=0.0, maximum=1.0
    )
    gradient_norm: float = setting(
        1.0, "Gradient norm", "Gradients longer than this are scaled down.", minimum=1e-6, maximum=1e6
    )
    lora_rank: int = setting(16, "LoRA rank", "Width of the adapters.", minimum=1, maximum=1024)
    lora_alpha: int = setting(32, "LoRA alpha", "Adapters are scaled by alpha / rank.", minimum=1, maximum=4096)
    lora_layers: int = setting(
        10, "Adapted layers", "Only the last so many layers get adapters; 0 means all.", minimum=0, maximum=1000
    )
    max_prompt_tokens: int = setting(
        512,
        "Longest prompt",
        "Longer prompts keep their last tokens; each cut is reported.",
        minimum=8,
        maximum=131_072,
    )
    max_completion_tokens: int = setting(
        256, "Longest completion", "Longer completions are cut, each cut is reported.", minimum=1, maximum=131_072
    )
    held_out: float = setting(
        0.2,
        "Held out",
        "Share of the prompts kept for validation and test, where the data names no splits.",
        minimum=0.0,
        maximum=0.9,
    )
    checkpoint_every: int = setting(
        20, "Steps per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )
