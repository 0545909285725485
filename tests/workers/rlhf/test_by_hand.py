"""`plackett train`: a bar for people, one JSON object for programs, and the same command to go on."""

import json
import shutil
from pathlib import Path

import pytest

from tests.workers.rlhf.conftest import ranked_rows
from tests.workers.rlhf.test_ppo import save_reward
from tests.workers.rlhf.test_sft import QUICK, demonstrations
from workers.rlhf import by_hand
from workers.rlhf.artifacts import MANIFEST, read_description, verify
from workers.rlhf.cli import main
from workers.rlhf.job import open_job
from workers.rlhf.launch import launch


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "demonstrations.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in demonstrations()))
    return path


def command(data: Path, base: Path, out: Path, *more: str, **settings: object) -> list[str]:
    config = out.parent / "config.json"
    config.write_text(json.dumps(QUICK | settings))
    return [
        "train",
        "sft",
        "--config",
        str(config),
        "--data",
        str(data),
        "--model",
        str(base),
        "--out",
        str(out),
        *more,
    ]


def last(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_last_line_is_the_metrics_and_the_bar_is_on_standard_error(
    tiny_base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(command(data, tiny_base, out, "--set", "method=full")) == 0
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    told = json.loads(line)
    assert told["kind"] == "sft"
    assert told["steps"] == 6
    assert told["eval/loss"] < told["eval/loss_before"]
    assert told["sha256"] == verify(Path(told["artifact"]))
    assert "training 6/6" in said.err
    assert "→" in said.err
    events = [json.loads(text) for text in (out / "events.jsonl").read_text().splitlines()]
    assert events[-1]["type"] == "result"
    # Asked again, nothing is trained: the same answer at once.
    assert main(command(data, tiny_base, out, "--set", "method=full")) == 0
    assert last(capsys) == told
    assert len((out / "events.jsonl").read_text().splitlines()) == len(events)


def test_the_same_command_goes_on_from_the_newest_checkpoint(
    tiny_base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert main(command(data, tiny_base, straight, "--quiet")) == 0
    wanted = last(capsys)
    shutil.copytree(straight, broken)
    shutil.rmtree(broken / "out")
    shutil.rmtree(broken / "checkpoints" / "step-6")
    (broken / "events.jsonl").unlink()
    assert main(command(data, tiny_base, broken, "--quiet")) == 0
    assert last(capsys)["sha256"] == wanted["sha256"]
    events = [json.loads(text) for text in (broken / "events.jsonl").read_text().splitlines()]
    assert [e["step"] for e in events if e["type"] == "step" and e["phase"] == "training"] == [3, 4, 5, 6]


@pytest.mark.parametrize("step", [3, 6])
def test_what_was_finished_but_not_written_is_written_alike(
    tiny_base: Path, data: Path, tmp_path: Path, step: int
) -> None:
    """Killed after the last checkpoint, or in the middle of writing the result."""
    config = tmp_path / "run"
    assert main(command(data, tiny_base, config, "--quiet", method="full")) == 0
    wanted = verify(config / "out")
    (config / "out" / MANIFEST).unlink()
    (config / "out" / "model.safetensors").write_bytes(b"half")
    if step == 3:
        shutil.rmtree(config / "checkpoints" / "step-6")
    assert main(command(data, tiny_base, config, "--quiet", method="full")) == 0
    assert verify(config / "out") == wanted


def test_another_run_is_not_mixed_into_a_folder(
    tiny_base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(command(data, tiny_base, out, "--quiet", minimum_steps=1, samples_to_read=0)) == 0
    before = verify(out / "out")
    assert main(command(data, tiny_base, out, "--seed", "4", minimum_steps=1, samples_to_read=0, lora_rank=3)) == 1
    text = last(capsys)["text"]
    assert "seed was 0, is 4" in text
    assert "settings.lora_rank was 4, is 3" in text
    assert verify(out / "out") == before
    data.write_text(data.read_text() * 2)
    assert main(command(data, tiny_base, out, minimum_steps=1, samples_to_read=0)) == 1
    assert "files.data was" in last(capsys)["text"]
    full = tmp_path / "mine"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    assert main(command(data, tiny_base, full)) == 1
    assert "is not empty and holds no run" in last(capsys)["text"]
    assert [path.name for path in full.iterdir()] == ["letter.txt"]


def test_bad_lines_and_bad_settings_are_named(
    tiny_base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.write_text(data.read_text() + '{"prompt": "x"}\n')
    assert main(command(data, tiny_base, tmp_path / "a", "--quiet")) == 1
    said = capsys.readouterr()
    assert "line 9 has a prompt but no completion" in said.err
    failure = json.loads(said.out.splitlines()[-1])
    assert failure["reason"] == "bad_data"
    assert failure["advice"]
    assert main(command(data, tiny_base, tmp_path / "b", "--set", "lora_rank=0")) == 1
    assert "lora_rank: must be at least 1" in last(capsys)["text"]
    assert not (tmp_path / "b").exists()


def test_a_published_folder_is_imported_on_the_way(
    tiny_base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = tmp_path / "published"
    shutil.copytree(tiny_base, published, ignore=shutil.ignore_patterns(MANIFEST, "plackett.json"))
    out = tmp_path / "run"
    arguments = command(data, published, out, "--quiet", method="prefix", minimum_steps=1, samples_to_read=0)
    assert main(arguments) == 0
    assert read_description(out / "models" / "base").kind == "base"
    assert (out / "out" / "base").resolve() == (out / "models" / "base").resolve()
    assert main(arguments) == 0


def test_the_folder_is_one_that_the_service_could_run(tiny_base: Path, data: Path, tmp_path: Path) -> None:
    asked = by_hand.Asked(
        kind="sft", settings=QUICK, files={"data": data}, models={"base": tiny_base}, out=tmp_path / "run", seed=2
    )
    by_hand.lay_out(asked)
    events: list[dict] = []
    launch(open_job(asked.out, events.append))
    assert events[-1]["sha256"] == by_hand.summary(asked)["sha256"]


def test_a_policy_is_improved_by_one_command_and_again_by_another(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, run = tmp_path / "rows.jsonl", tmp_path / "run"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ranked_rows()))
    words = ["train", "best_of_n", "--data", str(rows), "--model", str(tiny_base), "--out", str(run), "--quiet"]
    words += ["--set", "max_new_tokens=4", "--set", "epochs=1", "--set", "lora_layers=1"]
    assert main(words) == 1
    assert "--reward-model is needed for best_of_n" in capsys.readouterr().err
    assert main([*words, "--reward-model", str(save_reward(tiny_base, tmp_path / "reward"))]) == 0
    told = last(capsys)
    assert told["kind"] == "best_of_n"
    assert read_description(Path(told["artifact"])).kind == "policy"
    # The base lies beside the adapter, so that the policy can be loaded, and improved, as it is.
    words = ["train", "dpo", "--data", str(rows), "--model", told["artifact"], "--out", str(tmp_path / "again")]
    assert main([*words, "--set", "minimum_steps=1", "--set", "shown_tokens=4", "--quiet"]) == 0
    assert last(capsys)["kind"] == "dpo"
