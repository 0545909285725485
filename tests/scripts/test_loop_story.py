"""What the story of the loop's pictures rests on; that it turns out as told is seen when the pictures are taken."""

from app.loop.gate import FEWEST_JUDGMENTS
from app.loop.judge_gate import FEWEST_PROMPTS
from app.projects.settings import checked
from app.prompts.splits import Split, group_hash, split_of
from scripts import loop_story


def splits(prompts: list[str]) -> list[Split]:
    """Where the service puts each of them."""
    return [split_of(group_hash(None, one)) for one in prompts]


def test_the_picked_prompts_are_all_held_out_and_enough_for_both_gates() -> None:
    picked = loop_story.held_out_prompts()
    assert set(splits(picked)) == {"validation"}
    assert len(set(picked)) > FEWEST_JUDGMENTS > FEWEST_PROMPTS


def test_the_usual_prompts_are_not_picked() -> None:
    usual = loop_story.usual_prompts()
    assert 0.7 < splits(usual).count("train") / len(usual) < 0.9
    assert not set(usual) & set(loop_story.held_out_prompts())


def test_both_settings_are_ones_that_a_project_takes() -> None:
    settings = loop_story.PROJECT
    assert checked(settings)["loop"]["promotion"] == "judge"
    wrong = {**settings["reward"], "learning_rate": loop_story.WRONG_RATE}
    assert checked({**settings, "reward": wrong})["reward"]["learning_rate"] > settings["reward"]["learning_rate"]
