"""A new reward model and the live one on the same held-out judgments."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf.artifacts import artifact_sha256
from workers.rlhf.beside_live import COLUMNS, side_by_side
from workers.rlhf.evidence import Evidence, Scored
from workers.rlhf.job import open_job
from workers.rlhf.launch import launch
from workers.rlhf.pairs import ranked_prompt

QUICK = {"lora_layers": 1, "minimum_steps": 2, "prompts_per_step": 4}


def rows(count: int) -> list[dict[str, Any]]:
    """Held-out rankings of different prompts with completions of their own."""
    made = ranked_rows(prompts=count, held_out=count)
    for number, row in enumerate(made):
        row["messages"] = [{"role": "user", "content": f"Question {number}?"}]
        row["completions"] = [{**one, "text": f"{number}: {one['text']}"} for one in row["completions"]]
    return made


def trained(folder: Path, base: Path, held_out: list[dict[str, Any]] | None = None, **roles: Path) -> dict[str, Any]:
    """The report of a small reward run."""
    write_job(folder, "reward", ranked_rows(), {"base": base, **roles}, config=QUICK)
    if held_out is not None:
        (folder / "gate.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held_out))
    events: list[dict[str, Any]] = []
    launch(open_job(folder, events.append))
    report: dict[str, Any] = events[-1]["report"]
    return report


def test_a_run_reads_the_live_model_on_the_same_judgments(tiny_base: Path, tmp_path: Path) -> None:
    first = trained(tmp_path / "first", tiny_base)
    assert "gate" not in first, "there was nothing to compare with"
    live = tmp_path / "first" / "out"
    (live / "base").symlink_to(tiny_base)

    again = trained(tmp_path / "again", tiny_base, rows(6), live=live)["gate"]

    assert again["live_sha256"] == artifact_sha256(live)
    columns = again["columns"]
    assert {len(columns[name]) for name in COLUMNS} == {6}
    assert columns["prompt"] == list(range(6))
    # The same data, seed and settings make the same model, so that every judgment costs both the same.
    assert columns["new_loss"] == pytest.approx(columns["live_loss"], abs=1e-5)
    assert columns["new_right"] == columns["live_right"]
    assert all(0 < loss < 5 for loss in columns["new_loss"])


def test_no_new_held_out_judgment_leaves_empty_columns(tiny_base: Path, tmp_path: Path) -> None:
    trained(tmp_path / "first", tiny_base)
    live = tmp_path / "first" / "out"
    (live / "base").symlink_to(tiny_base)
    columns = trained(tmp_path / "again", tiny_base, [], live=live)["gate"]["columns"]
    assert columns == {name: [] for name in COLUMNS}


def scored(annotations: list[dict[str, Any]], raw: list[float], number: int = 0) -> Scored:
    row = rows(number + 1)[number] | {"annotations": annotations}
    return Scored(ranked_prompt(row), torch.tensor(raw))


def test_each_judgment_is_a_row_with_its_weight_and_what_both_got_right() -> None:
    said = [{"annotator": "a", "ranks": [1, 2, 3, 3]}, {"annotator": "b", "ranks": [4, 3, 2, 1]}]
    alone = [{"annotator": "a", "ranks": [1, 1, 1, 1]}]
    right, wrong = [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]
    live = Evidence.of([scored(said, wrong), scored(alone, wrong, 1)])
    new = Evidence.of([scored(said, right), scored(alone, right, 1)])
    columns = side_by_side(live, new, 0.5)
    assert columns["prompt"] == [0, 0, 1]
    assert columns["group"][0] == columns["group"][1] != columns["group"][2]
    # Two judgments of the same completions count 2 / 1.5 together.
    assert columns["weight"] == pytest.approx([2 / 3, 2 / 3, 1])
    assert columns["decided"] == [5, 6, 0]
    assert columns["live_right"] == [0, 6, 0]
    assert columns["new_right"] == [5, 0, 0]


def test_a_judgments_loss_is_the_mean_over_its_pairs_by_a_fit_on_other_groups() -> None:
    draw = np.random.default_rng(0)
    many = [
        scored([{"annotator": "a", "ranks": [1, 2, 3, 4]}], draw.normal([1.5, 1, 0.5, 0]).tolist(), number)
        for number in range(12)
    ]
    evidence = Evidence.of(many)
    columns = side_by_side(evidence, evidence, 0.5)
    assert columns["live_loss"] == columns["new_loss"]
    # Better than equal scores (log 2 without ties, and a little for the ties that might have been).
    assert 0.1 < np.mean(columns["new_loss"]) < np.log(2)
    turned = Evidence.of([Scored(entry.prompt, -entry.raw_N) for entry in many])
    worse = side_by_side(evidence, turned, 0.5)
    assert np.mean(worse["new_loss"]) > np.mean(worse["live_loss"])
