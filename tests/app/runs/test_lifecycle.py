"""The table of moves, against the trigger in the database and against all pairs of states."""

import re
from itertools import product

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.runs.lifecycle import FINAL, HELD, MOVES, STATES, may_move, state_after_lost_lease
from app.runs.tables import FINAL as FINAL_SQL
from app.runs.tables import HELD as HELD_SQL


def test_the_trigger_holds_the_same_moves(session: Session) -> None:
    source = session.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'guard_run'")) or ""
    in_database = set(re.findall(r"\('(\w+)', '(\w+)'\)", source))
    assert in_database == {(before, after) for before, targets in MOVES.items() for after in targets}


def test_the_tables_constraints_hold_the_same_states() -> None:
    assert set(re.findall(r"\w+", HELD_SQL)) == HELD
    assert set(re.findall(r"\w+", FINAL_SQL)) == FINAL


@pytest.mark.parametrize("state", sorted(FINAL - {"cancelled"}))
def test_nothing_follows_a_final_state(state: str) -> None:
    assert not any(may_move(state, other) for other in STATES)


def test_every_state_can_be_reached_and_left_for_a_final_one() -> None:
    reachable = {"queued"}
    for _ in STATES:
        reachable |= {after for before, after in product(reachable, STATES) if may_move(before, after)}
    assert reachable == STATES
    assert all(any(may_move(state, final) for final in FINAL) for state in STATES - FINAL)


@pytest.mark.parametrize(
    ("state", "stalls", "after"),
    [
        ("running", 1, "queued"),
        ("running", 3, "failed"),
        ("claimed", 2, "queued"),
        ("cancelling", 3, "cancelled"),
        ("pausing", 3, "paused"),
    ],
)
def test_where_a_lost_lease_leads(state: str, stalls: int, after: str) -> None:
    assert state_after_lost_lease(state, stalls=stalls, max_stalls=3) == after
    assert may_move(state, after)
