"""Hyper-parameters of the recipes that improve a policy without rounds: DPO and best-of-n."""

from dataclasses import dataclass
from typing import Literal

from workers.rlhf.policy_configs import Adapters, Trained
from workers.rlhf.setting import setting, stop_setting


@dataclass(frozen=True, kw_only=True)
class DpoConfig(Adapters, Trained):
    """Improve a policy directly on rankings (direct preference optimisation), K-way and with ties."""

    beta: float = setting(
        0.1,
        "Beta (β)",
        "Price of distance from the reference: the implicit reward of an answer is β · log π/π₀.",
        minimum=0.0001,
        maximum=100,
    )
    likelihood: Literal["pairs", "plackett_luce", "davidson_luce"] = setting(
        "pairs",
        "Likelihood",
        "pairs compares the completions of a prompt two by two, plackett_luce reads the whole order, davidson_luce "
        "the order with its ties.",
    )
    ties: Literal["drop", "half", "rao_kupper", "davidson"] = setting(
        "rao_kupper",
        "Ties",
        "drop ignores ties, half counts them as half a win each, rao_kupper and davidson learn how readily people tie.",
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
    held_out: float = setting(
        0.2,
        "Held out",
        "Share of the prompts kept for validation and test, where the data names no splits.",
        minimum=0.0,
        maximum=0.9,
    )
    epochs: int = setting(1, "Epochs", "Passes over the rankings.", minimum=1, maximum=100)
    minimum_steps: int = setting(
        20,
        "Fewest steps",
        "With few rankings the passes are repeated until this many optimizer steps are done.",
        minimum=1,
        maximum=1_000_000,
    )
    prompts_per_step: int = setting(8, "Prompts per step", "Prompts per optimizer step.", minimum=1, maximum=65_536)
    prompts_per_chunk: int = setting(
        4,
        "Prompts per forward",
        "Prompts that go through the model together; only memory and speed depend on it.",
        minimum=1,
        maximum=4096,
    )
    max_prompt_tokens: int = setting(
        384,
        "Longest prompt",
        "Longer prompts keep their last tokens; each cut is reported.",
        minimum=8,
        maximum=131_072,
    )
    max_completion_tokens: int = setting(
        192, "Longest completion", "Longer completions keep their first tokens.", minimum=2, maximum=131_072
    )
    learning_rate: float = setting(
        2e-4, "Learning rate (LoRA)", "Step size of the policy's adapters.", minimum=0.0, maximum=1.0
    )
    full_learning_rate: float = setting(
        2e-6, "Learning rate (full)", "Step size when every weight is trained.", minimum=0.0, maximum=1.0
    )
    tie_learning_rate: float = setting(
        1e-2, "Learning rate (ties)", "Step size of the tie parameter.", minimum=0.0, maximum=1.0
    )
    warmup_fraction: float = setting(
        0.05, "Warm-up", "Share of the steps in which the learning rate rises.", minimum=0.0, maximum=1.0
    )
    gradient_norm: float = setting(
        1.0, "Gradient norm", "Gradients longer than this are scaled down.", minimum=1e-6, maximum=1e6
    )
    shown_tokens: int = setting(
        48, "Longest answer to read", "Tokens of the answers written for people to read.", minimum=1, maximum=8192
    )
    checkpoint_every: int = setting(
        20, "Steps per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )

    @property
    def max_new_tokens(self) -> int:
        """Tokens of an answer that is written to be read."""
        return self.shown_tokens

    @property
    def temperature(self) -> float:
        """The distribution that learns is the model's own."""
        return 1.0

    @property
    def stop_strings(self) -> str:
        """Nothing else ends an answer."""
        return ""


@dataclass(frozen=True, kw_only=True)
class BestOfNConfig(Adapters, Trained):
    """Write n completions of each prompt, keep what the reward model likes best, and learn it (rejection sampling)."""

    prompts: int = setting(64, "Prompts", "How many prompts one run answers at most.", minimum=1, maximum=100_000)
    samples_per_prompt: int = setting(
        8, "Completions per prompt (n)", "Completions of each prompt to choose from.", minimum=1, maximum=256
    )
    keep: int = setting(
        1, "Kept per prompt", "The best so many completions of each prompt are learnt.", minimum=1, maximum=256
    )
    prompts_per_chunk: int = setting(
        4,
        "Prompts per forward",
        "Prompts that go through the model together; only memory and speed depend on it.",
        minimum=1,
        maximum=4096,
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
    temperature: float = setting(1.0, "Temperature", "Used while writing.", minimum=0.05, maximum=5)
    stop_strings: str = stop_setting()
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
    epochs: int = setting(2, "Epochs", "Passes over the kept completions.", minimum=1, maximum=100)
    rows_per_step: int = setting(
        8, "Completions per step", "Kept completions per optimizer step.", minimum=1, maximum=65_536
    )
    learning_rate: float = setting(
        2e-4, "Learning rate (LoRA)", "Step size of the policy's adapters.", minimum=0.0, maximum=1.0
    )
    full_learning_rate: float = setting(
        5e-6, "Learning rate (full)", "Step size when every weight is trained.", minimum=0.0, maximum=1.0
    )
    warmup_fraction: float = setting(
        0.05, "Warm-up", "Share of the steps in which the learning rate rises.", minimum=0.0, maximum=1.0
    )
    gradient_norm: float = setting(
        1.0, "Gradient norm", "Gradients longer than this are scaled down.", minimum=1e-6, maximum=1e6
    )
    checkpoint_every: int = setting(
        20, "Steps per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )
