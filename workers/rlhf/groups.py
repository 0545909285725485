"""Prompts that belong together: a split that parts them would be tested on what it was trained on.

A group is a connected component over equal normalised prompts and shared completions.
"""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from workers.rlhf.pairs import RankedPrompt

# Shorter completions ("Yes.") are given to unrelated prompts.
TELLING_CHARACTERS: Final = 20
SPLITS: Final = ("train", "validation", "test")


def normalised(text: str) -> str:
    """The text without differences of case, spacing or compatibility forms."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def prompt_text(prompt: RankedPrompt) -> str:
    """A conversation as one normalised text."""
    return normalised("\n".join(f"{message['role']}: {message['content']}" for message in prompt.messages))


def components(prompts: Sequence[RankedPrompt]) -> list[int]:
    """For each prompt the place of the first one of its group."""
    root = list(range(len(prompts)))

    def find(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    first: dict[Hashable, int] = {}
    for place, prompt in enumerate(prompts):
        for key in _keys(prompt):
            other = find(first.setdefault(key, place))
            mine = find(place)
            root[max(mine, other)] = min(mine, other)
    return [find(place) for place in range(len(prompts))]


def _keys(prompt: RankedPrompt) -> Iterable[Hashable]:
    yield "prompt", prompt_text(prompt)
    if prompt.group:
        yield "group", prompt.group
    for text in prompt.texts:
        short = normalised(text)
        if len(short) >= TELLING_CHARACTERS:
            yield "completion", short


def with_splits(prompts: Sequence[RankedPrompt], held_out: float, *, seed: int) -> list[RankedPrompt]:
    """Give prompts of no split one, whole groups at a time; half of `held_out` is validation, half test.

    A group that has a split already keeps it. Others go, in an order drawn from the seed, to the split that lacks most.
    """
    groups = components(prompts)
    members: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    target = MappingProxyType(
        {"train": 1 - held_out, "validation": held_out / 2, "test": held_out / 2},
    )
    filled: Counter[str] = Counter(prompt.split for prompt in prompts if prompt.split)
    chosen: dict[int, str] = {}
    for group in sorted(members, key=lambda place: _draw(seed, prompt_text(prompts[place]))):
        known = sorted({prompts[place].split for place in members[group]} - {""})
        chosen[group] = known[0] if known else _most_lacking(filled, target, len(prompts))
        filled[chosen[group]] += sum(not prompts[place].split for place in members[group])
    return [
        prompt if prompt.split else replace(prompt, split=chosen[group])
        for prompt, group in zip(prompts, groups, strict=True)
    ]


def _most_lacking(filled: Counter[str], target: Mapping[str, float], total: int) -> str:
    return max(SPLITS, key=lambda split: target[split] * total - filled[split])


def _draw(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()
