"""The rules of who gets what next, and for how long. Pure: randomness and time are given.

Which open slot comes first:

1. the smaller priority class: `2 · (9999 − generation)` for tasks that already have a judgment, one more for new ones,
   where the generation is the number of the newest policy that wrote one of the completions (0: imported models and
   people). So the newest policy's tasks go first, and half-done ones before new ones of the same generation.
2. within a class the smaller queue number, which a slot takes whenever it opens or reopens: oldest first.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from string import ascii_uppercase
from typing import Final

NEWEST_GENERATION: Final = 9999
MOST_COMPLETIONS: Final = 9
MOST_LEASES: Final = 2
# An undone skip comes back although the next task and the one after it are already on the desk.
MOST_LEASES_WITH_UNDO: Final = 3


def priority_class(generation: int, *, half_done: bool = False) -> int:
    """The class of a task's open slots; smaller goes first."""
    return 2 * (NEWEST_GENERATION - min(max(generation, 0), NEWEST_GENERATION)) + (0 if half_done else 1)


def shuffle_keys(random: Random) -> list[int]:
    """A random permutation of 1..9; a task's completions are shown in the order of their positions' keys."""
    return random.sample(range(1, MOST_COMPLETIONS + 1), MOST_COMPLETIONS)


def shown_order(completion_ids: Sequence[int], keys: Sequence[int]) -> list[int]:
    """Completions in the order shown; any of the K! orders is as likely as another when the keys are random."""
    return [completion for _, completion in sorted(zip(keys, completion_ids, strict=False))]


def letters(count: int) -> list[str]:
    """The names of `count` completions on the desk: A, B, C, …"""
    return list(ascii_uppercase[:count])


def lease_length(minutes: float) -> timedelta:
    """How long an assignment stays with a person after their last sign of life."""
    return timedelta(minutes=minutes)


def distinct(texts: Sequence[tuple[int, str]]) -> list[int]:
    """Ids of the completions to rank: of several with the same text the first; nobody can prefer one of them."""
    seen: dict[str, int] = {}
    for completion_id, text in texts:
        seen.setdefault(text.strip(), completion_id)
    return list(seen.values())
