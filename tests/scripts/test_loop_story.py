"""What the story of the loop's pictures rests on; that it turns out as told is seen when the pictures are taken."""

from app.datasets.parts import is_held_back
from app.loop.gate import FEWEST_JUDGMENTS
from app.projects.settings import checked
from app.prompts.splits import Split, group_hash, split_of
from scripts import loop_story


def splits(prompts: list[str]) -> list[Split]:
    """Where the service puts each of them."""
    return [split_of(group_hash(None, one)) for one in prompts]


def reward_side(prompts: list[str]) -> int:
    """How many of them are not held back for the judge."""
    return sum(not is_held_back(group_hash(None, one).hex()) for one in prompts)


def test_of_the_picked_prompts_the_first_part_is_too_little_for_the_gate_and_all_are_enough() -> None:
    picked = loop_story.held_out_prompts()
    assert set(splits(picked)) == {"validation"}
    assert len(set(picked)) == loop_story.HELD_OUT
    assert reward_side(picked[: loop_story.FIRST_PART]) < FEWEST_JUDGMENTS < reward_side(picked)


def test_the_usual_prompts_are_not_picked() -> None:
    usual = loop_story.usual_prompts()
    assert 0.7 < splits(usual).count("train") / len(usual) < 0.9
    assert not set(usual) & set(loop_story.held_out_prompts())


def test_both_settings_are_ones_that_a_project_takes() -> None:
    settings = loop_story.PROJECT
    assert checked(settings)["loop"]["promotion"] == "judge"
    wrong = {**settings["reward"], "learning_rate": loop_story.WRONG_RATE}
    assert checked({**settings, "reward": wrong})["reward"]["learning_rate"] > settings["reward"]["learning_rate"]
