"""A run's life as one table: which state may follow which. The database's trigger holds the same moves."""

from types import MappingProxyType
from typing import Final, Literal

State = Literal["queued", "claimed", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"]

MOVES: Final[MappingProxyType[str, frozenset[str]]] = MappingProxyType(
    {
        "queued": frozenset({"claimed", "paused", "cancelled", "failed"}),
        "claimed": frozenset({"running", "queued", "pausing", "cancelling", "cancelled", "failed"}),
        "running": frozenset({"succeeded", "failed", "queued", "pausing", "cancelling", "cancelled"}),
        "pausing": frozenset({"paused", "queued", "cancelling", "succeeded", "failed", "cancelled"}),
        "paused": frozenset({"queued", "cancelled"}),
        "cancelling": frozenset({"cancelled", "succeeded", "failed"}),
        "succeeded": frozenset(),
        "failed": frozenset(),
        "cancelled": frozenset({"queued"}),
    }
)
STATES: Final = frozenset(MOVES)
HELD: Final = frozenset({"claimed", "running", "pausing", "cancelling"})
FINAL: Final = frozenset({"succeeded", "failed", "cancelled"})
ACTIVE: Final = STATES - FINAL - {"paused"}


def may_move(before: str, after: str) -> bool:
    """Whether a run in the state `before` may go to `after`."""
    return after in MOVES[before]


def state_after_lost_lease(state: str, *, stalls: int, max_stalls: int) -> State:
    """Where a run goes whose worker fell silent, `stalls` counting this time: poison runs end, others try again."""
    if state == "cancelling":
        return "cancelled"
    if state == "pausing":
        return "paused"
    return "failed" if stalls >= max_stalls else "queued"
