import json
from pathlib import Path

import pytest

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf.artifacts import BadArtifactError, read_description, verify
from workers.rlhf.cli import main
from workers.rlhf.data import BadDataError
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

QUICK = {"lora_layers": 1, "minimum_steps": 4, "prompts_per_step": 2, "checkpoint_every": 2}


def launched(folder: Path) -> list[Event]:
    events: list[Event] = []
    launch(open_job(folder, events.append))
    return events


def test_a_resumed_job_leaves_the_same_artifact(tiny_base: Path, tmp_path: Path) -> None:
    straight = write_job(tmp_path / "a", "reward", ranked_rows(), {"base": tiny_base}, config=QUICK)
    told = launched(straight)
    places = [event["path"] for event in told if event["type"] == "checkpoint"]
    assert places == ["checkpoints/step-2", "checkpoints/step-4"]
    again = write_job(
        tmp_path / "b",
        "reward",
        ranked_rows(),
        {"base": tiny_base},
        config=QUICK,
        resume=str(straight / "checkpoints" / "step-2"),
    )
    events = launched(again)
    assert [e["step"] for e in events if e["type"] == "step" and e["phase"] == "training"] == [2, 3, 4]
    assert events[-1]["sha256"] == told[-1]["sha256"] == verify(again / "out")


def test_an_artifact_says_what_it_is_and_how_it_came_to_be(tiny_base: Path, tmp_path: Path) -> None:
    folder = write_job(tmp_path / "a", "reward", ranked_rows(), {"base": tiny_base}, config=QUICK)
    launched(folder)
    description = read_description(folder / "out")
    assert description.adapter
    assert description.config["minimum_steps"] == 4
    assert description.metrics["ties/share"] == 0
    card = (folder / "out" / "README.md").read_text()
    assert description.base_sha256 in card
    assert "accuracy/held_out" in card
    assert not list((folder / "out").glob("*.bin"))


def test_a_full_reward_model_is_a_model_of_its_own(tiny_base: Path, tmp_path: Path) -> None:
    config = {"method": "full", "minimum_steps": 2}
    folder = write_job(tmp_path / "a", "reward", ranked_rows(), {"base": tiny_base}, config=config)
    launched(folder)
    assert not read_description(folder / "out").adapter
    prompts = [{"prompt_id": 1, "messages": [{"role": "user", "content": EXCHANGES[0][0]}]}]
    roles = {"policy": tiny_base, "reward": folder / "out"}
    small = {"updates": 1, "prompts_per_update": 1, "max_new_tokens": 4, "lora_layers": 1}
    events = launched(write_job(tmp_path / "b", "ppo", prompts, roles, config=small))
    assert events[-1]["type"] == "result"


@pytest.mark.parametrize("kind", ["sample", "reward", "ppo"])
def test_no_data_is_said_so(tiny_base: Path, tmp_path: Path, kind: str) -> None:
    roles = {"base": tiny_base, "policy": tiny_base, "reward": tiny_base}
    with pytest.raises((BadDataError, BadArtifactError)):
        launched(write_job(tmp_path / "a", kind, [], roles, config={}))


def test_a_folder_model_is_imported_with_a_pad_token_of_its_own(tiny_base: Path, tmp_path: Path) -> None:
    source = {"type": "folder", "path": str(tiny_base)}
    folder = write_job(tmp_path / "a", "import_model", [], {}, config={}, source=source)
    events = launched(folder)
    assert events[-1]["artifact"] == "out"
    assert events[-1]["sha256"] == verify(folder / "out")
    assert events[-1]["metrics"]["parameters"] > 1000
    assert read_description(folder / "out").kind == "base"


def test_by_hand_train_score_and_improve(tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_job(tmp_path / "in", "reward", ranked_rows(), {}, config={}) / "data.jsonl"
    out = tmp_path / "rm"
    arguments = ["train", "reward", "--data", str(data), "--model", str(tiny_base), "--out", str(out)]
    assert main([*arguments, "--set", "minimum_steps=2", "--set", "lora_layers=1", "--set", "ties=davidson"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["sha256"] == verify(out / "out")
    assert "accuracy/held_out" in told
    asked = tmp_path / "ask.jsonl"
    asked.write_text('{"messages": [{"role": "user", "content": "Say hello."}], "completion": "No."}\n')
    assert main(["score", "--model", str(out / "out"), "--data", str(asked)]) == 0
    assert '"score": ' in capsys.readouterr().out
    arguments = ["train", "ppo", "--data", str(data), "--model", str(tiny_base), "--out", str(tmp_path / "ppo")]
    small = ["--set", "updates=1", "--set", "max_new_tokens=4", "--set", "lora_layers=1"]
    assert main([*arguments, "--reward-model", str(out / "out"), *small]) == 0
    assert (tmp_path / "ppo" / "out" / "base").resolve() == tiny_base.resolve()


def test_by_hand_a_mistake_is_explained(tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_job(tmp_path / "in", "reward", ranked_rows(), {}, config={}) / "data.jsonl"
    arguments = ["train", "ppo", "--data", str(data), "--model", str(tiny_base), "--out", str(tmp_path / "x")]
    assert main([*arguments, "--set", "updates=-1"]) == 1
    assert "updates: must be at least 1" in capsys.readouterr().out
    assert main(arguments) == 1
    assert "--reward-model" in capsys.readouterr().out
    assert not (tmp_path / "x").exists()
