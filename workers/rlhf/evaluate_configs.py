"""Hyper-parameters of evaluations: plain data."""

from dataclasses import dataclass
from typing import ClassVar

from workers.rlhf.setting import FORBID_UNKNOWN, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """Compare a policy with the one it came from, and with another, on prompts that it did not learn on."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    prompts: int = setting(
        64,
        "Prompts",
        "How many held-out prompts are answered; a claim about KL should rest on 256.",
        minimum=1,
        maximum=100_000,
    )
    samples_per_prompt: int = setting(
        4, "Completions per prompt", "Completions that each model writes of each prompt.", minimum=1, maximum=256
    )
    temperature: float = setting(
        1.0, "Temperature", "The distance is that of the distributions at this temperature.", minimum=0.05, maximum=5
    )
    max_new_tokens: int = setting(
        96, "Longest completion", "Tokens after which a completion is cut.", minimum=1, maximum=8192
    )
    stop_strings: str = setting(
        "",
        "Stop strings",
        "Strings that end a completion beside the model's own end, with | between them; \\n is a line break. Left "
        "empty, those that the policy was trained with; a | alone: none.",
    )
    max_prompt_tokens: int = setting(
        768,
        "Longest prompt",
        "Longer prompts keep their last tokens; each cut is reported.",
        minimum=8,
        maximum=131_072,
    )
    prompts_per_chunk: int = setting(
        4,
        "Prompts per forward",
        "Prompts that go through the model together; only memory and speed depend on it.",
        minimum=1,
        maximum=4096,
    )
    same_length: float = setting(
        0.1,
        "Same length",
        "Completions whose lengths differ by no more than this share are compared as equally long.",
        minimum=0.0,
        maximum=1.0,
    )
    text_tokens: int = setting(
        20_000, "Tokens of text", "How much of a held-out text is read to see what was forgotten.", minimum=8
    )
    flags: str = setting(
        "",
        "More flags",
        "What else to flag in completions, as NAME: PATTERN; NAME: PATTERN. A pattern is a regular expression.",
        written_as="flags",
    )
