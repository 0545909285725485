"""A reward run from its folder: what it tells, and what lies in its artifact."""

import json
from pathlib import Path

import pytest

from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf.artifacts import verify
from workers.rlhf.data import BadDataError
from workers.rlhf.job import Event, open_job
from workers.rlhf.judged_prompts import fingerprint, judged_behind
from workers.rlhf.launch import launch

QUICK = {"lora_layers": 1, "minimum_steps": 3, "prompts_per_step": 4}


def launched(folder: Path) -> list[Event]:
    events: list[Event] = []
    launch(open_job(folder, events.append))
    return events


def rows_of_three() -> list[dict]:
    rows = ranked_rows(prompts=12, held_out=6)
    for number, row in enumerate(rows):
        row["messages"] = [{"role": "user", "content": f"Question {number}"}]
        row["completions"] = [entry | {"text": f"{number} {entry['text']}"} for entry in row["completions"]]
        row["annotations"] = [
            {"annotator": name, "ranks": ranks}
            for name, ranks in (("a", [2, 3, 1, 2]), ("b", [2, 3, 1, 1]), ("c", [1, 3, 2, 2]))
        ]
    return rows


@pytest.fixture(scope="module")
def finished(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    config = QUICK | {"ties": "rao_kupper", "annotators": "parameters", "prefix": "tree"}
    folder = write_job(
        tmp_path_factory.mktemp("run") / "a", "reward", rows_of_three(), {"base": tiny_base}, config=config
    )
    return folder, launched(folder)


def test_the_data_is_looked_at_before_anything_is_trained(finished) -> None:
    _, events = finished
    kinds = [event["type"] for event in events]
    first = events[kinds.index("log")]
    assert first["text"].startswith("Pre-flight: 12 prompts, 36 judgments by 3 people")
    assert kinds.index("log") < kinds.index("metric")


def test_the_report_is_in_the_result_and_in_the_artifact(finished) -> None:
    folder, events = finished
    report = events[-1]["report"]
    assert json.loads((folder / "out" / "report.json").read_text()) == json.loads(json.dumps(report))
    assert verify(folder / "out") == events[-1]["sha256"]
    assert judged_behind(folder / "out") == {fingerprint(row["messages"]) for row in rows_of_three()}
    assert report["preflight"]["judgments"] == 36
    assert report["judged"]["judgments"] == 18
    assert report["judged"]["ceiling"]["judgments"] > 0
    assert report["exposures"]["least"] >= 1
    assert {person["annotator"] for person in report["people"]} == {"a", "b", "c"}
    assert report["lineage"]["prefix"] == "tree"
    assert report["lineage"]["seed"] == 3
    assert set(report["by_split"]) == {"train", "validation"}


def test_what_the_service_reads_is_where_it_was(finished) -> None:
    _, events = finished
    report, metrics = events[-1]["report"], events[-1]["metrics"]
    assert report["held_out"] == {"prompts": 6, "reason": None}
    assert set(report["anchored_on"]) == {"prompts", "held_out_only", "reference"}
    assert {"identical_pairs", "cut_tokens", "annotators", "steps"} <= set(report)
    for name in ("accuracy/held_out", "log_loss/held_out", "pairs/held_out", "ties/share", "ties/parameter"):
        assert metrics[name] is not None, name
    assert {"scale/deviation", "length_correlation", "accuracy/train"} <= set(metrics)


def test_the_card_tells_where_the_model_comes_from_and_how_good_it_is(finished) -> None:
    folder, events = finished
    card = (folder / "out" / "README.md").read_text()
    lineage = events[-1]["report"]["lineage"]
    assert lineage["base_sha256"] in card
    assert lineage["data_sha256"] in card
    assert "- ties: rao_kupper" in card
    assert "log loss per judgment" in card
    assert "a person, foretold by the others' majority" in card
    assert "accuracy/held_out" in card


def test_the_scale_is_anchored_on_reference_prompts_that_were_not_trained_on(tiny_base: Path, tmp_path: Path) -> None:
    folder = write_job(tmp_path / "a", "reward", ranked_rows(), {"base": tiny_base}, config=QUICK)
    texts = [{"text": "One."}, {"text": "Two, three."}]
    lines = [{"prompt": f"Reference {number}", "completions": texts} for number in range(3)]
    seen = {"messages": ranked_rows()[0]["messages"], "completions": texts}
    (folder / "reference.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*lines, seen, {"prompt": "x"}]))
    events = launched(folder)
    assert events[-1]["report"]["anchored_on"] == {"prompts": 3, "held_out_only": False, "reference": True}
    told = [event["text"] for event in events if event["type"] == "log"]
    assert "1 reference prompts were trained on and are left out." in told
    assert any(text.startswith("Left out line 5 of the reference prompts") for text in told)


def test_a_bad_line_is_told_and_the_rest_is_trained_on(tiny_base: Path, tmp_path: Path) -> None:
    rows = ranked_rows()
    rows[3]["annotations"][0]["ranks"] = [1, 2]
    folder = write_job(tmp_path / "a", "reward", rows, {"base": tiny_base}, config=QUICK)
    events = launched(folder)
    told = [event["text"] for event in events if event["type"] == "log" and event["level"] == "warning"]
    assert "Left out line 4 (prompt 3): prompt 3: needs one rank for each completion" in told
    assert events[-1]["report"]["preflight"]["prompts"] == 7


def test_nothing_but_bad_lines_is_an_error_that_names_one(tiny_base: Path, tmp_path: Path) -> None:
    rows = [row | {"annotations": None} for row in ranked_rows()]
    with pytest.raises(BadDataError, match="line 1: prompt 0"):
        launched(write_job(tmp_path / "a", "reward", rows, {"base": tiny_base}, config=QUICK))


@pytest.mark.parametrize("more", [{"likelihood": "plackett_luce"}, {"annotators": "parameters"}])
def test_settings_that_contradict_each_other_are_refused(tiny_base: Path, tmp_path: Path, more: dict) -> None:
    config = QUICK | {"overlap": "majority"} | more
    with pytest.raises(ValueError, match="overlap"):
        launched(write_job(tmp_path / "a", "reward", ranked_rows(), {"base": tiny_base}, config=config))
