"""What a project asks, and answers that do not fit."""

from typing import Any

import pytest

from app.errors import Unprocessable
from app.rankings.judgment import Form, Judgment, check_judgment

ASKS = Form(ask_rating=True, ask_flags=True, flags=("rude", "wrong"), rationale="optional")
IDS = [1, 2]


def test_a_full_answer_fits() -> None:
    said = Judgment(tiers=[[1], [2]], ratings={1: 7, 2: 1}, flags={2: ["rude", "wrong"]}, rationale="It is rude.")
    check_judgment(said, ASKS, IDS)


@pytest.mark.parametrize(
    ("said", "form", "field"),
    [
        ({"ratings": {1: 8}}, ASKS, "ratings"),
        ({"ratings": {3: 1}}, ASKS, "ratings"),
        ({"ratings": {1: 1}}, Form(), "ratings"),
        ({"flags": {3: ["rude"]}}, ASKS, "flags"),
        ({"flags": {1: ["sly"]}}, ASKS, "flags"),
        ({"flags": {1: ["rude"]}}, Form(flags=("rude",)), "flags"),
        ({"rationale": "why"}, Form(rationale="off"), "rationale"),
        ({"rationale": "  "}, Form(rationale="required"), "rationale"),
    ],
)
def test_what_does_not_fit_is_named(said: dict[str, Any], form: Form, field: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        check_judgment(Judgment(tiers=[[1], [2]], **said), form, IDS)
    assert refusal.value.field == field


def test_content_is_what_was_said_not_how_long_it_took() -> None:
    quick = Judgment(tiers=[[2, 1], [3]], flags={1: ["b", "a"], 2: []}, rationale="", active_ms=1, moves=0)
    slow = Judgment(tiers=[[1, 2], [3]], flags={1: ["a", "b", "b"]}, active_ms=99, moves=7, touched=False)
    assert quick.content() == slow.content()
    assert quick.content() != Judgment(tiers=[[1], [2], [3]]).content()
