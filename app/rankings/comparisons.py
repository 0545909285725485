"""What a weak order says about each pair of its completions. Pure: no database, no clock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from app.errors import Unprocessable

Tiers = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison. In a tie the smaller id is `preferred_id`, so that a pair has one form."""

    preferred_id: int
    other_id: int
    tie: bool


def ranks_of(tiers: Tiers) -> dict[int, int]:
    """The rank of each completion: 1 for the best tier, 2 for the next, equal within a tier."""
    return {completion: rank for rank, tier in enumerate(tiers, start=1) for completion in tier}


def tiers_of(ranks: dict[int, int]) -> list[list[int]]:
    """The tiers, best first, from the rank of each completion; the inverse of `ranks_of` up to order in a tier."""
    return [
        sorted(completion for completion, own in ranks.items() if own == rank) for rank in sorted(set(ranks.values()))
    ]


def comparisons_of(tiers: Tiers) -> list[Pair]:
    """All C(K,2) pairs of a weak order over K completions: decided ones best first, ties as ties."""
    ranks = ranks_of(tiers)
    return [pair_of(ranks, first, second) for first, second in combinations(sorted(ranks), 2)]


def pair_of(ranks: dict[int, int], smaller_id: int, larger_id: int) -> Pair:
    """The comparison between two completions, given with the smaller id first."""
    if ranks[smaller_id] == ranks[larger_id]:
        return Pair(smaller_id, larger_id, tie=True)
    if ranks[smaller_id] < ranks[larger_id]:
        return Pair(smaller_id, larger_id, tie=False)
    return Pair(larger_id, smaller_id, tie=False)


def check_tiers(tiers: Tiers, completion_ids: Collection[int], *, ties_allowed: bool) -> None:
    """Raise `Unprocessable` on the field `tiers` unless each completion of the task is in exactly one tier."""
    placed = [completion for tier in tiers for completion in tier]
    problem = (
        _empty_tier(tiers)
        or _strangers(placed, completion_ids)
        or _repeated(placed)
        or _missing(placed, completion_ids)
        or (None if ties_allowed else _tied(tiers))
    )
    if problem:
        raise Unprocessable(
            problem,
            type="invalid-ranking",
            field="tiers",
            advice="Place every completion of the task once, best tier first.",
        )


def _empty_tier(tiers: Tiers) -> str | None:
    places = [place for place, tier in enumerate(tiers, start=1) if not tier]
    return f"tier {places[0]} is empty" if places else None


def _strangers(placed: Sequence[int], completion_ids: Collection[int]) -> str | None:
    strangers = [completion for completion in placed if completion not in completion_ids]
    return f"completion {strangers[0]} is not part of this task" if strangers else None


def _repeated(placed: Sequence[int]) -> str | None:
    repeated = [completion for completion in placed if placed.count(completion) > 1]
    return f"completion {repeated[0]} is placed more than once" if repeated else None


def _missing(placed: Sequence[int], completion_ids: Collection[int]) -> str | None:
    missing = sorted(set(completion_ids) - set(placed))
    return f"completion {missing[0]} is not placed" if missing else None


def _tied(tiers: Tiers) -> str | None:
    tied = [place for place, tier in enumerate(tiers, start=1) if len(tier) > 1]
    return f"tier {tied[0]} holds a tie, and this project does not allow ties" if tied else None
