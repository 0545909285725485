"""Prompts for `ppo_vs_trl`: random words that are one token each, as text and as tokens, the same for whoever asks."""

import random
from typing import Any

from transformers import AutoTokenizer


def prompts_of(plan: dict[str, Any]) -> list[tuple[str, list[int]]]:
    """`updates` × `prompts` prompts of `prompt_tokens` tokens."""
    tokenizer = AutoTokenizer.from_pretrained(plan["model"])
    draw = random.Random(plan["seed"])  # noqa: S311 -- data, not secrets
    words = [tokenizer.decode([token]) for token in range(len(tokenizer))]
    known = [word for word in words if word.strip().isalpha() and word.startswith(" ")]
    texts = [
        "".join(draw.choice(known) for _ in range(plan["prompt_tokens"]))
        for _ in range(plan["updates"] * plan["prompts"])
    ]
    # Two words can make a third token; what is too long is cut, what is too short is asked as it is.
    return [(text, tokenizer.encode(text, add_special_tokens=False)[: plan["prompt_tokens"]]) for text in texts]
