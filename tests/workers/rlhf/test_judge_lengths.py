"""A judge reads texts cut as in its training, never behind its last position, and tells how many."""

import json
from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.conftest import write_job
from tests.workers.rlhf.test_ppo import save_reward
from tests.workers.rlhf.test_room import POSITIONS, short_sighted  # noqa: F401
from workers.rlhf.artifacts import Description, artifact_sha256, describe, seal
from workers.rlhf.cli import main
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch
from workers.rlhf.score import load_judge

LONG, SHORT = "the river runs to the sea " * 30, "the river"
ASKED = [{"role": "user", "content": "Why?"}]


@pytest.fixture(scope="module")
def judge_folder(short_sighted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    return save_reward(short_sighted, tmp_path_factory.mktemp("judge") / "reward")


def test_long_texts_end_where_positions_do(judge_folder: Path) -> None:
    judge = load_judge(judge_folder)
    assert judge.members(ASKED, [SHORT, LONG]).shape == (2, 1)
    assert (judge.cuts.prompts, judge.cuts.completions) == (0, 1)
    long_prompt = judge.members([{"role": "user", "content": LONG}], [SHORT, LONG])
    assert (judge.cuts.prompts, judge.cuts.completions) == (1, 2)
    # A completion's score hangs on no other: the prompt is cut alike, whatever it is read with.
    alone = judge.members([{"role": "user", "content": LONG}], [SHORT])
    torch.testing.assert_close(alone, long_prompt[:1])


def test_texts_are_cut_as_in_the_judges_training(tiny_base: Path, tmp_path: Path) -> None:
    folder = save_reward(tiny_base, tmp_path / "reward")
    config = {"max_prompt_tokens": 20, "max_completion_tokens": 6}
    describe(folder, Description(kind="reward", base_sha256=artifact_sha256(tiny_base), adapter=True, config=config))
    seal(folder)
    judge = load_judge(folder)
    seen = judge.members(ASKED, [LONG, LONG + "and back"])
    assert float(seen[0, 0]) == pytest.approx(float(seen[1, 0]), abs=1e-6)
    assert judge.cuts.completions == 2


def test_an_evaluation_tells_what_its_judge_did_not_read(judge_folder: Path, tiny_base: Path, tmp_path: Path) -> None:
    rows = [{"prompt_id": 1, "split": "test", "messages": [{"role": "user", "content": "Why? " * POSITIONS}]}]
    config = {"prompts": 1, "samples_per_prompt": 1, "max_new_tokens": 4, "max_prompt_tokens": 40}
    roles = {"policy": tiny_base, "reference": tiny_base, "judge": judge_folder}
    events: list[Event] = []
    launch(open_job(write_job(tmp_path / "job", "evaluate", rows, roles, config=config), events.append))
    (told,) = events[-1]["report"]["judges"]
    assert told["cut"] == {"prompts": 1, "completions": 0}
    assert any("judge read 1 prompts without their start" in event.get("text", "") for event in events)
    assert "it read 1 prompts and 0 completions cut" in (tmp_path / "job" / "out" / "README.md").read_text()


def test_scoring_by_hand_tells_what_was_cut(
    judge_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "lines.jsonl"
    data.write_text(json.dumps({"prompt": "Why?", "completions": [SHORT, LONG]}) + "\n")
    assert main(["score", "--model", str(judge_folder), "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out.splitlines()[-1])["scores"]) == 2
    assert "0 prompts without their start and 1 completions without their end" in said.err
