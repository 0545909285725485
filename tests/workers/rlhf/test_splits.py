"""What is held out stays out of a policy's training, and what was chosen by a reward model says so."""

import json
from pathlib import Path

import pytest

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import write_job
from tests.workers.rlhf.test_ppo import save_reward
from workers.rlhf import best_of_n_run, evaluate_run, models, policy_run
from workers.rlhf.alternative_configs import DpoConfig
from workers.rlhf.artifacts import artifact_sha256, read_description
from workers.rlhf.cast import without_judge
from workers.rlhf.checkpoints import Training, load, save
from workers.rlhf.data import BadDataError
from workers.rlhf.job import Event, Job, open_job
from workers.rlhf.launch import launch
from workers.rlhf.policy_run import VALUES, look_at_values
from workers.rlhf.rollout import Question
from workers.rlhf.rounds import Step
from workers.rlhf.training import adam

SPLITS = ("train", "validation", "test", None, "")


def rows(*splits: str | None) -> list[dict]:
    return [
        {"prompt_id": number, "split": split, "messages": [{"role": "user", "content": EXCHANGES[number][0]}]}
        for number, split in enumerate(splits)
    ]


def job_with(folder: Path, data: list[dict], **config: object) -> Job:
    return open_job(write_job(folder, "ppo", data, {}, config=config), lambda _: None)


def test_only_prompts_that_are_not_held_out_are_learnt_on(tiny: models.LanguageModel, tmp_path: Path) -> None:
    learn, show = policy_run.questions(job_with(tmp_path / "a", rows(*SPLITS)), tiny.chat)
    assert [one.prompt_id for one in learn] == [0, 3, 4]
    assert [one.prompt_id for one in show] == [1, 2]
    with pytest.raises(BadDataError, match="no prompt to learn on"):
        policy_run.questions(job_with(tmp_path / "b", rows("test", "validation")), tiny.chat)


@pytest.mark.parametrize(
    "row", [{"prompt_id": 1}, {"prompt_id": 1, "messages": []}, {"prompt_id": 1, "messages": [{"role": "user"}]}]
)
def test_a_row_that_is_no_prompt_is_named(tiny: models.LanguageModel, tmp_path: Path, row: dict) -> None:
    good = {"prompt": "So?"}
    with pytest.raises(BadDataError, match=r"line 2: .*needs"):
        policy_run.questions(job_with(tmp_path / "a", [good, row]), tiny.chat)
    evaluation = write_job(tmp_path / "b", "evaluate", [good, row], {}, config={})
    with pytest.raises(BadDataError, match=r"line 2: .*needs"):
        evaluate_run.held_out(open_job(evaluation, lambda _: None), "policy", tiny.chat)


def test_a_prompt_may_be_a_text_as_in_a_file_of_rankings(tiny: models.LanguageModel, tmp_path: Path) -> None:
    data = [{"prompt": "So?"}, {"id": "b", "messages": "And then?", "split": "test"}]
    learn, show = policy_run.questions(job_with(tmp_path / "a", data), tiny.chat)
    assert [(one.prompt_id, one.text, one.messages) for one in learn] == [
        ("line 1", "So?", [{"role": "user", "content": "So?"}])
    ]
    assert [(one.prompt_id, one.text) for one in show] == [("b", "And then?")]
    evaluation = open_job(write_job(tmp_path / "b", "evaluate", data, {}, config={}), lambda _: None)
    asked = evaluate_run.held_out(evaluation, "policy", tiny.chat)
    assert [(one.prompt_id, one.text) for one in asked] == [("line 1", "So?"), ("b", "And then?")]


def test_no_more_can_be_kept_than_is_written(tmp_path: Path) -> None:
    folder = write_job(tmp_path / "a", "best_of_n", rows("train"), {}, config={"samples_per_prompt": 2, "keep": 3})
    with pytest.raises(ValueError, match="keep: of 2 completions of a prompt 3 can't be kept"):
        launch(open_job(folder, lambda _: None))


def test_demonstrations_that_are_held_out_are_not_mixed_in(tiny_base: Path, tmp_path: Path) -> None:
    job = job_with(tmp_path / "a", rows("train"), pretrain_weight=1.0)
    lines = [row | {"completion": EXCHANGES[row["prompt_id"]][1]} for row in rows(*SPLITS)]
    (job.folder / "demonstrations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    roles = without_judge(tiny_base, DpoConfig(lora_layers=1), seed=1)
    mix = policy_run.beside(job, roles)
    assert mix is not None
    assert [one.source for one in mix.texts] == ["line 1", "line 4", "line 5"]
    (job.folder / "demonstrations.jsonl").write_text(json.dumps(lines[1]) + "\n")
    with pytest.raises(BadDataError, match="no text to mix in"):
        policy_run.beside(job, roles)


def test_a_run_of_few_prompts_draws_them_and_keeps_their_order() -> None:
    asked = [Question(place, [1], "") for place in range(40)]
    first, again, other = (best_of_n_run.drawn(asked, 8, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert [one.prompt_id for one in first] == sorted(one.prompt_id for one in first)
    assert len({one.prompt_id for one in first}) == 8
    assert first != asked[:8]
    assert best_of_n_run.drawn(asked, 99, seed=1) == asked


def test_a_resumed_run_keeps_what_values_explained_in_the_same_order(
    tiny: models.LanguageModel, tmp_path: Path
) -> None:
    job = job_with(tmp_path / "a", rows("train"))
    weights = {"bias": next(tiny.causal.parameters())}
    straight, resumed = (Training(weights, adam([(weights.values(), 0.0)]), {}) for _ in range(2))
    for number in (1, 3, 10):
        look_at_values(job, Step(number, 12, {"val/explained_var": number / 100}), straight)
    load(save(tmp_path / "checkpoints", 10, straight).path, resumed)
    assert str(resumed.numbers[VALUES]) == str(straight.numbers[VALUES])
    assert resumed.numbers[VALUES] == {"1": 0.01, "3": 0.03, "10": 0.1}


def test_a_fine_tuned_model_that_a_reward_model_chose_says_by_which(tiny_base: Path, tmp_path: Path) -> None:
    reward = save_reward(tiny_base, tmp_path / "artifact")
    said = [row | {"completion": EXCHANGES[row["prompt_id"]][1]} for row in rows("train", "train", "validation")]
    quick = {"minimum_steps": 1, "epochs": 1, "lora_layers": 1, "samples_to_read": 1}
    found = {}
    for keep in ("reward", "best"):
        events: list[Event] = []
        roles = {"base": tiny_base, "reward": reward}
        launch(open_job(write_job(tmp_path / keep, "sft", said, roles, config=quick | {"keep": keep}), events.append))
        found[keep] = read_description(tmp_path / keep / "out").rewarded_by
    assert found == {"reward": [artifact_sha256(reward)], "best": []}
