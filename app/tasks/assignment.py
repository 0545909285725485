"""The rules of who gets what next, and for how long. Pure: randomness and time are given.

Which open slot comes first:

1. the smaller priority class: `2 · (9999 − generation)` for tasks that already have a judgment, one more for new ones,
   where the generation is the number of the newest policy that wrote one of the completions (0: imported models and
   people). So the newest policy's tasks go first, and half-done ones before new ones of the same generation.
2. within a class the smaller queue number, which a slot takes whenever it opens or reopens: oldest first.

Slots of writing tasks have classes of their own, from 20000 on, and are claimed by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from string import ascii_uppercase
from typing import Final, Literal

NEWEST_GENERATION: Final = 9999
Kind = Literal["ranking", "writing"]
# First and last class of each kind of task; half-done ones go first among writing tasks too.
CLASSES: Final[dict[Kind, tuple[int, int]]] = {"ranking": (0, 19_999), "writing": (20_000, 20_001)}
MOST_COMPLETIONS: Final = 9
MOST_OVERLAP: Final = 50
MOST_LEASES: Final = 2
# An undone skip comes back although the next task and the one after it are already on the desk.
MOST_LEASES_WITH_UNDO: Final = 3
FEWEST_TO_MEASURE: Final = 20
SHORTEST_LEASE: Final = timedelta(minutes=2)
LEASE_IN_MEDIANS: Final = 3
# What `str.strip` takes off, spelled out for those who ask Postgres which completions say the same.
BLANKS: Final = "".join(chr(one) for one in range(0x3001) if chr(one).isspace())


def priority_class(generation: int, *, half_done: bool = False) -> int:
    """The class of a task's open slots; smaller goes first."""
    return 2 * (NEWEST_GENERATION - min(max(generation, 0), NEWEST_GENERATION)) + (0 if half_done else 1)


def shuffle_keys(random: Random) -> list[int]:
    """A random permutation of 1..9; a task's completions are shown in the order of their positions' keys."""
    return sorted(range(1, MOST_COMPLETIONS + 1), key=lambda _: random.random())


def shown_order(completion_ids: Sequence[int], keys: Sequence[int]) -> list[int]:
    """Completions in the order shown; any of the K! orders is as likely as another when the keys are random."""
    return [completion for _, completion in sorted(zip(keys, completion_ids, strict=False))]


def letters(count: int) -> list[str]:
    """The names of `count` completions on the desk: A, B, C, …"""
    return list(ascii_uppercase[:count])


@dataclass(frozen=True, slots=True)
class Pace:
    """How long people take in a project: the median active time of its last judgments, and how many those are."""

    judgments: int = 0
    median_ms: float = 0.0


def lease_length(longest_minutes: float, pace: Pace | None = None) -> timedelta:
    """How long an assignment stays with a person after their last sign of life.

    Three times what people take here, two minutes at least; the project's longest until there are 20 judgments.
    """
    longest = timedelta(minutes=longest_minutes)
    if pace is None or pace.judgments < FEWEST_TO_MEASURE:
        return longest
    return min(longest, max(SHORTEST_LEASE, LEASE_IN_MEDIANS * timedelta(milliseconds=pace.median_ms)))


def distinct(texts: Sequence[tuple[int, str]]) -> list[int]:
    """Ids of the completions to rank: of several with the same text the first; nobody can prefer one of them."""
    seen: dict[str, int] = {}
    for completion_id, text in texts:
        seen.setdefault(text.strip(BLANKS), completion_id)
    return list(seen.values())
