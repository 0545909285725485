"""Scores of a trained model: by our own command, by plain transformers, and by several heads or models at once."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ANSWERS, ranked_rows, write_job
from workers.rlhf import models, score
from workers.rlhf.artifacts import BadArtifactError
from workers.rlhf.cli import main
from workers.rlhf.data import BadDataError
from workers.rlhf.export import export_classifier, fold_bias
from workers.rlhf.job import open_job
from workers.rlhf.launch import launch

QUICK = {"lora_layers": 1, "lora_rank": 4, "minimum_steps": 4, "learning_rate": 5e-3, "head_learning_rate": 5e-2}


def trained(folder: Path, base: Path, **config) -> Path:
    launch(open_job(write_job(folder, "reward", ranked_rows(), {"base": base}, config=QUICK | config), lambda _: None))
    if not (folder / "out" / "model.safetensors").exists():
        (folder / "out" / "base").symlink_to(base)
    return folder / "out"


@pytest.fixture(scope="module")
def lora(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("lora") / "run", tiny_base)


@pytest.fixture(scope="module")
def heads(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("heads") / "run", tiny_base, heads=3)


def ours(folder: Path, asked: str = EXCHANGES[0][0]) -> list[float]:
    messages = [{"role": "user", "content": asked}]
    return score.load_judge(folder).members(messages, ANSWERS).mean(dim=1).tolist()


def plain(folder: Path, asked: str = EXCHANGES[0][0]) -> list[float]:
    """What somebody gets who knows nothing of us: a chat template, a tokenizer, a classifier."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    classifier = AutoModelForSequenceClassification.from_pretrained(folder)
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": asked}], tokenize=False, add_generation_prompt=True)
        + answer
        + tokenizer.eos_token
        for answer in ANSWERS
    ]
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    logits = classifier(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, 0]
    assert classifier.dtype == torch.float32
    return (logits + classifier.config.reward_bias).tolist()


@pytest.mark.parametrize("method", ["lora", "full", "heads"])
def test_plain_transformers_loads_it_and_agrees(
    method: str, lora: Path, heads: Path, tiny_base: Path, tmp_path: Path
) -> None:
    full = {"method": "full", "full_learning_rate": 1e-3}
    artifact = {"lora": lora, "heads": heads}.get(method) or trained(tmp_path / "run", tiny_base, **full)
    folder = export_classifier(artifact, tmp_path / "classifier")
    assert plain(folder) == pytest.approx(ours(artifact), abs=1e-5)
    assert not list(folder.glob("*.bin"))


def test_exporting_leaves_the_base_as_it_was(lora: Path, tiny_base: Path, tmp_path: Path) -> None:
    before = (tiny_base / "model.safetensors").read_bytes()
    folder = export_classifier(lora, tmp_path / "classifier")
    assert (tiny_base / "model.safetensors").read_bytes() == before
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert not any("lora" in name for name in weights.keys())  # noqa: SIM118 -- it is no dictionary


def test_what_is_no_reward_model_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadArtifactError, match="not a reward model"):
        export_classifier(tiny_base, tmp_path)
    with pytest.raises(BadArtifactError, match="not a reward model"):
        score.load_judge(tiny_base)


def test_a_bias_goes_into_a_normalisation_that_has_one() -> None:
    backbone, weight = nn.Module(), torch.randn(8)
    backbone.ln_f = nn.LayerNorm(8)
    state = torch.randn(3, 8)
    before = backbone.ln_f(state) @ weight
    with torch.no_grad():
        assert fold_bias(backbone, weight, 1.7)
    torch.testing.assert_close(backbone.ln_f(state) @ weight, before + 1.7)
    backbone.ln_f = nn.RMSNorm(8)
    assert not fold_bias(backbone, weight, 1.7)


def lines(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_both_kinds_of_lines_are_scored(lora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked, expected = EXCHANGES[0][0], ours(lora)
    data = lines(
        tmp_path / "data.jsonl",
        {"id": "x", "prompt": asked, "completions": [{"text": text} for text in ANSWERS]},
        {"messages": [{"role": "user", "content": asked}], "completion": ANSWERS[2]},
    )
    assert main(["score", "--model", str(lora), "--data", str(data)]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["id"] == "x"
    assert first["scores"] == pytest.approx(expected, abs=1e-5)
    assert "spread" not in first
    assert second["score"] == pytest.approx(expected[2], abs=1e-5)


def test_heads_and_models_give_a_mean_and_a_spread(lora: Path, heads: Path, tmp_path: Path, capsys) -> None:
    data = lines(tmp_path / "data.jsonl", {"prompt": "Say hello.", "completions": [{"text": t} for t in ANSWERS]})
    assert main(["score", "--model", str(heads), "--data", str(data)]) == 0
    (one,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(one["spread"]) == 4
    assert min(one["spread"]) > 0
    assert main(["score", "--model", str(heads), "--model", str(lora), "--data", str(data)]) == 0
    (both,) = map(json.loads, capsys.readouterr().out.splitlines())
    mixed = [(3 * a + b) / 4 for a, b in zip(ours(heads, "Say hello."), ours(lora, "Say hello."), strict=True)]
    assert both["scores"] == pytest.approx(mixed, abs=1e-5)


def test_a_members_own_level_is_no_disagreement() -> None:
    around = torch.tensor([[1.0, 1.0], [0.0, 0.0], [-1.0, -1.0]])
    assert score.spread(around + torch.tensor([5.0, -2.0])).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert min(score.spread(around * torch.tensor([1.0, -1.0])).tolist()[::2]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "Hi"}, "line 2: needs completions"),
        ({"completion": "Hi"}, "line 2: needs a prompt"),
        ({"prompt": "Hi", "completions": [{"txt": "a"}]}, "line 2: each completion needs a text"),
    ],
)
def test_a_line_that_cannot_be_scored_is_named(lora: Path, row: dict, message: str) -> None:
    rows = iter([{"prompt": "Hi", "completion": "Hello."}, row])
    with pytest.raises(BadDataError, match=message):
        list(score.scored_lines([score.load_judge(lora)], rows))


def test_an_ensembles_members_differ_and_its_mean_is_what_others_read(heads: Path, tiny_base: Path) -> None:
    judge = score.load_judge(heads)
    assert judge.head.members_Hd.shape[0] == 3
    for one, other in pairwise(judge.head.members_Hd):
        assert not torch.allclose(one, other)
    torch.testing.assert_close(judge.head.weight, judge.head.members_Hd.mean(dim=0))
    hidden = torch.randn(4, judge.model.width)
    torch.testing.assert_close(judge.head.raw_members(hidden).mean(dim=1), judge.head.raw(hidden))
    assert models.base_of(heads)[1].kind == "reward"


def test_train_by_hand_from_a_file_of_the_format(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "prompt": f"Question {number}",
            "completions": [{"text": f"{number} {text}"} for text in ANSWERS],
            "annotations": [{"annotator": "a", "ranks": [2, 3, 1, None]}],
        }
        for number in range(20)
    ]
    data, out = lines(tmp_path / "rankings.jsonl", *rows, {"prompt": "no completions"}), tmp_path / "rm"
    settings = [f"--set={name}={value}" for name, value in QUICK.items()]
    assert main(["train", "reward", "--data", str(data), "--model", str(tiny_base), "--out", str(out), *settings]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out.splitlines()[-1])
    assert told["accuracy/held_out"] is not None
    assert "Left out line 21" in said.err
    report = json.loads((out / "out" / "report.json").read_text())
    assert report["preflight"]["splits"] == {"test": 2, "train": 16, "validation": 2}
    assert plain(Path(told["transformers"])) == pytest.approx(ours(out / "out"), abs=1e-5)
