"""What the database holds of somebody's judgments, in the letters that person saw."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, Engine, text

from app.tasks.assignment import letters

RANKINGS = text(
    """
    SELECT r.id, r.task_id, r.revision, r.superseded_by_id IS NULL AS current, r.extra, r.rationale, r.touched,
           r.moves, r.active_ms, r.shown_order, r.presentation, a.shown_order AS assigned_order, a.state,
           r.strength, r.none_acceptable, r.prompt_flags
    FROM rankings r JOIN assignments a ON a.id = r.assignment_id
    WHERE r.annotator_id = :annotator ORDER BY r.id
    """
)
ITEMS = text("SELECT completion_id, rank, rating, flags, aspects FROM ranking_items WHERE ranking_id = :ranking")
COMPARISONS = text("SELECT preferred_id, other_id, tie FROM comparisons WHERE ranking_id = :ranking")


@dataclass(frozen=True)
class Stored:
    """A row of `rankings` with its items and comparisons.

    `order` reads "C A=D B": best first, ties joined; `pairs` is what the comparisons say, as "C>A" and "A=D".
    """

    row: Any
    order: str
    pairs: frozenset[str]
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    aspects: dict[str, dict[str, int]]


def judgments(engine: Engine, annotator_id: int) -> list[Stored]:
    """Every ranking of a person, earlier revisions too, oldest first."""
    with engine.connect() as connection:
        rows = connection.execute(RANKINGS, {"annotator": annotator_id}).all()
        return [_stored(connection, row) for row in rows]


def _stored(connection: Connection, row: Any) -> Stored:
    names = dict(zip(row.shown_order, letters(len(row.shown_order)), strict=True))
    items = connection.execute(ITEMS, {"ranking": row.id}).all()
    ranks = {names[item.completion_id]: item.rank for item in items}
    tiers = [sorted(name for name in ranks if ranks[name] == rank) for rank in sorted(set(ranks.values()))]
    found = connection.execute(COMPARISONS, {"ranking": row.id}).all()
    pairs = [_pair(names[pair.preferred_id], names[pair.other_id], pair.tie) for pair in found]
    assert len(pairs) == len(set(pairs))
    return Stored(
        row=row,
        order=" ".join("=".join(tier) for tier in tiers),
        pairs=frozenset(pairs),
        ratings={names[item.completion_id]: item.rating for item in items if item.rating is not None},
        flags={names[item.completion_id]: item.flags for item in items if item.flags},
        aspects={names[item.completion_id]: item.aspects for item in items if item.aspects},
    )


def _pair(preferred: str, other: str, tie: bool) -> str:
    return "=".join(sorted([preferred, other])) if tie else f"{preferred}>{other}"


def pairs_of(order: str) -> frozenset[str]:
    """The comparisons that an order like "C A=D B" implies: K(K-1)/2 of them."""
    places = {letter: place for place, tier in enumerate(order.split()) for letter in tier.split("=")}
    both = [sorted(pair, key=lambda letter: (places[letter], letter)) for pair in combinations(places, 2)]
    return frozenset(_pair(first, second, places[first] == places[second]) for first, second in both)
