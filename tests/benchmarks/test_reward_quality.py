"""The parts of the quality benchmark that decide what is compared with what."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks import reward_quality_heads as heads
from benchmarks.reward_quality_data import DEBATES, Items, debate_of, winner
from benchmarks.reward_quality_rows import careless, factorial
from workers.rlhf.pairs import RankedPrompt, ranked_prompt


def item(number: int, debate: int, ranks: list[list[int]], *, length: int = 9) -> RankedPrompt:
    return ranked_prompt(
        {
            "prompt_id": number,
            "split": "",
            "source": DEBATES,
            "messages": [{"role": "user", "content": f"Debate: {debate}\nSide: {number % 2}\nArgue."}],
            "completions": [{"text": f"{number} a" + "x" * length}, {"text": f"{number} b"}],
            "annotations": [{"annotator": str(who), "ranks": rank} for who, rank in enumerate(ranks)],
        }
    )


def debates(count: int = 6, each: int = 8) -> list[RankedPrompt]:
    return [
        item(each * debate + number, debate, [[1, 2], [1, 2], [1, 1], [2, 1]])
        for debate in range(count)
        for number in range(each)
    ]


def test_both_sides_of_a_debate_are_tested_together_and_every_item_once() -> None:
    items = Items.of(debates(), 3)
    fold_of = {}
    for prompt, fold in zip(items.prompts, items.fold, strict=True):
        assert fold_of.setdefault(debate_of(prompt), fold) == fold
    for fold in range(3):
        split = [prompt.split for prompt in items.split(fold)]
        assert split.count("test") == 16
        assert {"train", "validation"} <= set(split)


def test_a_winner_is_what_most_said() -> None:
    assert winner(item(0, 0, [[1, 2], [1, 2], [2, 1]])) == 0
    assert winner(item(0, 0, [[2, 1], [1, 1], [2, 1]])) == 1
    assert winner(item(0, 0, [[1, 2], [2, 1]])) is None


def test_controls_change_names_or_some_peoples_answers_and_nothing_else() -> None:
    prompts = debates()
    permuted = heads.controlled(prompts, "permuted", seed=1)
    names = [[entry.annotator for p in some for entry in p.judgments] for some in (prompts, permuted)]
    assert names[0] != names[1]
    assert sorted(names[0]) == sorted(names[1])
    assert [[e.ranks for e in p.judgments] for p in permuted] == [[e.ranks for e in p.judgments] for p in prompts]
    careless = heads.controlled(prompts, "random people", seed=1)
    changed = {
        entry.annotator
        for before, after in zip(prompts, careless, strict=True)
        for entry, other in zip(after.judgments, before.judgments, strict=True)
        if entry.ranks != other.ranks
    }
    assert len(changed) == 1
    assert [len(p.pairs) for p in careless] == [4] * len(prompts)
    kept = {
        entry.annotator for p in heads.controlled(prompts, "random people left out", seed=1) for entry in p.judgments
    }
    assert set(names[0]) - kept == changed


def test_heads_find_what_people_prefer_and_an_arm_gains_nothing_on_itself(tmp_path: Path) -> None:
    prompts = debates()
    draw = torch.Generator().manual_seed(0)
    feature = torch.randn(2 * len(prompts), 20, generator=draw)
    feature[0::2, 0] += 4
    (tmp_path / "rankings.jsonl").write_text("", encoding="utf-8")
    save_file(
        {"features": feature, "place": torch.arange(2 * len(prompts)).view(-1, 2)}, tmp_path / "features.safetensors"
    )
    known = replace(
        heads.Debates.read(tmp_path / "rankings.jsonl", tmp_path / "features.safetensors", 3),
        prompts=prompts,
        debate=[debate_of(prompt) for prompt in prompts],
    )
    arms = (*heads.FACTORIAL, *heads.CONTROLS)
    rows = list(heads.repeated(known, 0, 1000, 1, arms))
    assert {row["arm"] for row in rows} == {arm.name for arm in arms}
    # Two of three who decide prefer the first, so no head can be right more often.
    assert all(row["accuracy"] <= 2 / 3 + 1e-6 for row in rows)
    assert max(row["accuracy"] for row in rows if row["arm"] == "rao_kupper equal") > 0.6
    (tmp_path / "heads-0.json").write_text(json.dumps(rows), encoding="utf-8")
    found = {row["arm"]: row for row in factorial(tmp_path)}
    assert found["factorial:drop majority"]["loss_diff"]["value"] == 0
    rows = list(heads.repeated(known, 0, 1000, 1, heads.CARELESS))
    (tmp_path / "careless-1000-0.json").write_text(json.dumps(rows), encoding="utf-8")
    beside = list(careless(tmp_path, 1000))
    assert [(row["arm"], row["against"], row["items"]) for row in beside] == [
        ("careless:rao_kupper parameters random people", "rao_kupper majority random people", 1000),
        ("careless:rao_kupper parameters random people", "rao_kupper equal random people", 1000),
        ("careless:rao_kupper majority random people left out", "rao_kupper majority random people", 1000),
        ("careless:rao_kupper parameters random people left out", "rao_kupper majority random people", 1000),
    ]
