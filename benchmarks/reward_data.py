"""Rankings made of random tokens, the same for whoever asks: what both sides of `reward_vs_trl` train on."""

import random
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

# Below these are the special tokens of the tiny tokenizer, which no text holds.
FIRST_TOKEN = 8
STOP = 2


@dataclass(frozen=True, slots=True)
class Ranking:
    """A prompt and its completions, best first, as token ids."""

    prompt: list[int]
    completions: list[list[int]]

    def pairs(self, *, adjacent: bool) -> list[tuple[int, int]]:
        """Places (better, worse) of all pairs, or of neighbours in the order alone."""
        places = range(len(self.completions))
        return list(pairwise(places) if adjacent else combinations(places, 2))


def rankings_of(plan: dict[str, Any]) -> list[Ranking]:
    """`steps` × `prompts` rankings of `k` completions of the plan's lengths; the stop token ends each completion."""
    draw = random.Random(plan["seed"])  # noqa: S311 -- data, not secrets

    def tokens(count: int) -> list[int]:
        return [draw.randrange(FIRST_TOKEN, plan["vocabulary"]) for _ in range(count)]

    return [
        Ranking(
            tokens(plan["prompt_tokens"]),
            [[*tokens(plan["reply_tokens"] - 1), STOP] for _ in range(plan["k"])],
        )
        for _ in range(plan["steps"] * plan["prompts"])
    ]
