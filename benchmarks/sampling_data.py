"""What `sampling` writes: prompts of random tokens and a length for every completion, the same for whoever asks."""

import random
from dataclasses import dataclass
from typing import Any

from benchmarks.sft_data import FIRST_TOKEN, LENGTHS


@dataclass(frozen=True, slots=True)
class Writing:
    """Prompts, whose prompt each completion answers, and how long each completion gets."""

    prompts: list[list[int]]
    owner: list[int]
    lengths: list[int]


def writing_of(plan: dict[str, Any]) -> Writing:
    """`prompts` prompts with `completions` completions each, in lengths of human answers to prompts of such lengths."""
    draw = random.Random(plan["seed"])  # noqa: S311 -- data, not secrets
    known = LENGTHS[plan["lengths"]]
    chosen = [known[draw.randrange(len(known))] for _ in range(plan["prompts"])]
    prompts = [[draw.randrange(FIRST_TOKEN, plan["vocabulary"]) for _ in range(asked)] for asked, _ in chosen]
    owner = [place for place in range(len(prompts)) for _ in range(plan["completions"])]
    lengths = [min(known[draw.randrange(len(known))][1], plan["longest"]) for _ in owner]
    return Writing(prompts, owner, lengths)
