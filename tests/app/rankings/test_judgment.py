"""What a project asks, and answers that do not fit."""

from typing import Any

import pytest

from app.errors import Unprocessable
from app.rankings.judgment import Form, Judgment, Presentation, check_judgment

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


PAIR = Form(ask_strength="optional")
FULL = Form(aspects=("helpful", "honest"), prompt_flags=("unclear",), ask_none_acceptable=True)


@pytest.mark.parametrize(
    ("form", "said", "field"),
    [
        (Form(), {"tiers": [[1], [2]], "strength": 2}, "strength"),
        (PAIR, {"tiers": [[1, 2]], "strength": 1}, "strength"),
        (PAIR, {"tiers": [[1], [2]], "strength": 5}, "strength"),
        (Form(ask_strength="required"), {"tiers": [[1], [2]]}, "strength"),
        (Form(), {"tiers": [[1], [2]], "aspects": {1: {"helpful": 3}}}, "aspects"),
        (FULL, {"tiers": [[1], [2]], "aspects": {3: {"helpful": 3}}}, "aspects"),
        (FULL, {"tiers": [[1], [2]], "aspects": {1: {"honest": 8}}}, "aspects"),
        (FULL, {"tiers": [[1], [2]], "aspects": {1: {"harmless": 1}}}, "aspects"),
        (FULL, {"tiers": [[1], [2]], "prompt_flags": ["rude"]}, "prompt_flags"),
        (Form(), {"tiers": [[1], [2]], "none_acceptable": True}, "none_acceptable"),
        (Form(), {"tiers": [[1], [2]], "presentation": Presentation(visible_ms={3: 10})}, "presentation.visible_ms"),
    ],
)
def test_what_the_form_does_not_ask_or_the_task_does_not_have_is_refused_by_name(form, said, field):
    with pytest.raises(Unprocessable) as refusal:
        check_judgment(Judgment(**said), form, {1, 2})
    assert refusal.value.field == field


def test_a_strength_is_of_two_completions():
    with pytest.raises(Unprocessable) as refusal:
        check_judgment(Judgment(tiers=[[1, 2], [3]], strength=2), PAIR, {1, 2, 3})
    assert refusal.value.field == "strength"
    check_judgment(Judgment(tiers=[[1], [2], [3]]), Form(ask_strength="required"), {1, 2, 3})
    check_judgment(Judgment(tiers=[[1, 2]]), Form(ask_strength="required"), {1, 2})


def test_a_full_judgment_fits_a_full_form():
    said = Judgment(
        tiers=[[2], [1]],
        aspects={1: {"helpful": 1, "honest": 7}, 2: {"helpful": 4}},
        prompt_flags=["unclear"],
        none_acceptable=True,
        presentation=Presentation(visible_ms={1: 5}, layout="stack"),
    )
    check_judgment(said, FULL, {1, 2})


def test_content_is_what_was_said_and_not_what_was_shown():
    plain = Judgment(tiers=[[1], [2]])
    for more in ({"strength": 1}, {"aspects": {1: {"a": 1}}}, {"prompt_flags": ["x"]}, {"none_acceptable": True}):
        assert Judgment(tiers=[[1], [2]], **more).content() != plain.content()
    shown = Judgment(tiers=[[1], [2]], presentation=Presentation(layout="stack"), guideline_number=3, moves=4)
    assert shown.content() == plain.content()


def test_a_presentation_is_recorded_without_what_is_not_known():
    assert Presentation().record() == {}
    shown = Presentation(client={"touch": True}, visible_ms={7: 0}, differences_shown=True, first_act_ms=0)
    assert shown.record() == {
        "client": {"touch": True}, "visible_ms": {"7": 0}, "differences_shown": True, "first_act_ms": 0,
    }  # fmt: skip
