import pytest

from app.errors import Unprocessable
from app.projects.settings import INSTRUCTGPT_FLAGS, ProjectSettings, checked, merged, settings_of
from app.projects.tables import Project


def test_a_project_that_set_nothing_has_the_defaults():
    settings = settings_of(Project(settings={}))
    assert settings == ProjectSettings()
    assert (settings.completions_per_task, settings.overlap, settings.ties_allowed) == (4, 1, True)
    assert settings.flags == list(INSTRUCTGPT_FLAGS)
    assert settings.loop.promotion == "manual"


def test_only_what_was_set_is_stored():
    assert checked({"overlap": 2, "loop": {"paused": True}}) == {"overlap": 2, "loop": {"paused": True}}


def test_a_patch_reaches_into_objects_and_null_brings_a_default_back():
    before = {"overlap": 2, "loop": {"paused": True, "run_ppo": False}, "reward": {"epochs": 2}}
    patch = {"overlap": None, "loop": {"paused": None, "keep_tasks_ready": 4}, "flags": ["rude"]}
    assert merged(before, patch) == {
        "loop": {"run_ppo": False, "keep_tasks_ready": 4},
        "reward": {"epochs": 2},
        "flags": ["rude"],
    }
    assert before["overlap"] == 2


def test_a_patch_that_never_ends_is_refused():
    deep: dict = {}
    for _ in range(500):
        deep = {"loop": deep}
    with pytest.raises(Unprocessable):
        merged({}, deep)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"overlapp": 1}, "settings.overlapp"),
        ({"overlap": 0}, "settings.overlap"),
        ({"overlap": True}, "settings.overlap"),
        ({"overlap": "2"}, "settings.overlap"),
        ({"overlap": 10**400}, "settings.overlap"),
        ({"completions_per_task": 10}, "settings.completions_per_task"),
        ({"lease_minutes": float("nan")}, "settings.lease_minutes"),
        ({"lease_minutes": float("inf")}, "settings.lease_minutes"),
        ({"flags": ["rude", "rude"]}, "settings.flags"),
        ({"flags": ["Not A Slug"]}, "settings.flags.0"),
        ({"guidelines": "Be kind."}, "settings.guidelines"),
        ({"ask_strength": "always"}, "settings.ask_strength"),
        ({"aspects": ["helpful", "helpful"]}, "settings.aspects"),
        ({"aspects": [f"aspect_{number}" for number in range(11)]}, "settings.aspects"),
        ({"prompt_flags": ["a\0b"]}, "settings.prompt_flags.0"),
        ({"gold_rate": 0.6}, "settings.gold_rate"),
        ({"practice": {"attempts": 0}}, "settings.practice.attempts"),
        ({"daily_cap": 0}, "settings.daily_cap"),
        ({"rationale": "sometimes"}, "settings.rationale"),
        ({"loop": {"retrain_after_comparisons": 0}}, "settings.loop.retrain_after_comparisons"),
        ({"sampling": {"top_p": 1.5}}, "settings.sampling"),
        ({"reward": {"epochs": 0}}, "settings.reward"),
        ({"reward": {"epoch": 1}}, "settings.reward"),
        ({"ppo": {"policy_clip": "wide"}}, "settings.ppo"),
    ],
)
def test_a_wrong_setting_is_named(values, field):
    with pytest.raises(Unprocessable) as refusal:
        checked(values)
    assert refusal.value.field == field
    assert refusal.value.errors


def test_overrides_of_the_engine_are_checked_by_the_engine():
    values = {"reward": {"epochs": 3, "ties": "davidson"}, "ppo": {"updates": 2, "kl_coefficient": 0.1}}
    assert checked(values) == values


def test_a_stored_setting_that_is_no_longer_allowed_takes_its_default():
    stored = {
        "overlap": 3,
        "from_the_future": 1,
        "loop": {"paused": True, "gone": 1},
        "flags": ["fine", "Not Fine", "Nor This"],
        "reward": {"renamed": 1},
        "ppo": {"updates": 2},
    }
    settings = settings_of(Project(settings=stored))
    assert (settings.overlap, settings.loop.paused, settings.ppo) == (3, True, {"updates": 2})
    assert (settings.reward, settings.flags) == ({}, list(INSTRUCTGPT_FLAGS))
    assert "from_the_future" in stored
