"""The report on held-out judgments, on simulated people and scores."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from workers.rlhf import held_out, slices
from workers.rlhf.evidence import Evidence, Scored, left_out
from workers.rlhf.pairs import ranked_prompt
from workers.rlhf.ranking_file import row_of
from workers.rlhf.resampling import Resampler

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "rankings.jsonl.gz"
RANKS = ([1, 2], [1, 2], [2, 1], [1, 1])
CEILINGS = {"ukp_convarg1": 0.753, "pandalm": 0.932, "tulu1_human_eval": 0.661, "lfqa_experts": 0.689}


def scored(
    count: int, *, noise: float = 0.5, split: str = "validation", people: int = 3, seed: int = 0
) -> list[Scored]:
    """Prompts with three completions whose worth people see with noise and the model sees with its own."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(count):
        worth = draw.normal(size=3)
        annotations = []
        for person in range(people):
            seen = worth + draw.normal(0, 0.7, 3)
            ranks = (seen.max() - seen) // 0.6
            annotations.append({"annotator": f"p{person}", "ranks": [int(rank) + 1 for rank in ranks]})
        row = {
            "prompt_id": f"{split}-{number}",
            "split": split,
            "messages": [{"role": "user", "content": f"{split} question {number}"}],
            "completions": [
                {"text": f"{number} answer {place} " + "x" * int(draw.integers(1, 40)), "model": f"m{place}"}
                for place in range(3)
            ],
            "annotations": annotations,
        }
        raw = torch.tensor(worth * 2 + draw.normal(0, 0.5, 3) + draw.normal(), dtype=torch.float32)
        made.append(Scored(ranked_prompt(row), raw))
    return made


def test_a_good_model_is_said_to_be_good() -> None:
    found = held_out.judged(scored(120) + scored(60, split="test", seed=9))
    assert found["split"] == "test"
    assert found["read_by"] == "validation"
    assert found["groups"] == 60
    assert found["judgments"] == 180
    assert found["gain"]["verdict"] == "above"
    assert found["log_loss"]["value"] < found["undecided_log_loss"]["value"]
    assert found["accuracy"]["low"] > 0.7
    assert found["accuracy_over_longer"]["verdict"] == "above"
    assert found["tie_auc"]["value"] > 0.6
    assert found["tau_b"]["value"] > 0.4
    assert found["calibration"]["slope"]["low"] < 1 < found["calibration"]["slope"]["high"]
    assert found["calibration"]["error_within_noise"]
    assert 0 < found["brier"]["value"] < 0.25
    assert found["ceiling"]["reached"]["value"] == pytest.approx(
        (found["ceiling"]["model"]["value"] - found["ceiling"]["longer_is_better"]["value"])
        / (found["ceiling"]["people"]["value"] - found["ceiling"]["longer_is_better"]["value"])
    )
    json.dumps(found, allow_nan=False)


def test_noise_is_called_noise() -> None:
    draw = torch.Generator().manual_seed(1)
    blind = [Scored(entry.prompt, torch.randn(3, generator=draw)) for entry in scored(60)]
    found = held_out.judged(blind)
    assert found["read_by"] == "other folds"
    assert found["gain"]["verdict"] == "within noise"
    assert found["accuracy_over_longer"]["verdict"] == "within noise"
    assert found["log_loss"]["value"] == pytest.approx(found["undecided_log_loss"]["value"], abs=0.05)


def test_the_scale_of_scores_does_not_matter() -> None:
    plain = scored(60)
    large = [Scored(entry.prompt, entry.raw_N * 50) for entry in plain]
    one, other = held_out.judged(plain), held_out.judged(large)
    assert other["log_loss"]["value"] == pytest.approx(one["log_loss"]["value"], abs=1e-3)
    assert other["factor"] == pytest.approx(one["factor"] / 50, rel=0.02)


def test_too_few_groups_get_no_interval_and_no_verdict() -> None:
    found = held_out.judged(scored(2))
    assert found["read_by"] == "itself"
    assert found["accuracy"]["low"] is None
    assert found["gain"]["verdict"] == "within noise"


def test_nothing_held_out_is_none_and_ties_alone_are_no_crash() -> None:
    assert held_out.judged([]) is None
    tied = scored(6, people=1)
    for entry in tied:
        object.__setattr__(entry.prompt, "pairs", tuple(p for p in entry.prompt.pairs if p.tie))
    found = held_out.judged([entry for entry in tied if entry.prompt.pairs])
    assert found["accuracy"]["value"] is None
    assert found["calibration"]["error"] is None
    json.dumps(found, allow_nan=False)


def test_parts_and_people() -> None:
    found = held_out.judged(scored(60))
    parts = found["parts"]
    assert {row["tiers_apart"] for row in parts["tiers_apart"]} >= {"0", "1"}
    assert sum(row["pairs"] for row in parts["models"]) == found["pairs"]
    assert parts["models"][0]["models"] in {"m0 / m1", "m0 / m2", "m1 / m2"}
    assert "completions" not in parts
    assert [row["annotator"] for row in parts["annotator"]]
    for row in parts["annotator"]:
        assert min(row["raw"], found["accuracy"]["value"]) - 1e-9 <= row["accuracy"]["value"]
        assert row["accuracy"]["value"] <= max(row["raw"], found["accuracy"]["value"]) + 1e-9


def test_people_with_few_judgments_are_not_listed() -> None:
    assert slices.people(Evidence.of(scored(5))) == []


def test_shrinkage_goes_with_what_chance_explains() -> None:
    counts = np.full(20, 40.0)
    alike = np.random.default_rng(0).binomial(40, 0.7, 20) / 40
    apart = np.linspace(0.4, 1.0, 20)
    assert slices.prior_strength(alike, counts, 0.7) > 10 * slices.prior_strength(apart, counts, 0.7)


def test_the_worst_disagreements_come_first_one_a_prompt() -> None:
    entries = scored(20)
    found = held_out.judged(entries)["disagreements"]
    chances = [row["chance"] for row in found]
    assert chances == sorted(chances)
    assert len({row["prompt"] for row in found}) == len(found) <= 8
    assert all(row["chance"] < 0.5 and row["asked"] and row["preferred"] != row["other"] for row in found)


def real(source: str) -> list[Scored]:
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        rows = [row_of(line, number) for number, line in enumerate(lines) if f'"{source}"' in line[:60]]
    prompts = [ranked_prompt(row) for row in rows]
    return [Scored(prompt, torch.tensor([float(len(text)) for text in prompt.texts])) for prompt in prompts]


@pytest.mark.skipif(not REAL.exists(), reason="the real rankings are not here")
@pytest.mark.parametrize("source", [pytest.param("ukp_convarg1", marks=pytest.mark.slow), *list(CEILINGS)[1:]])
def test_the_ceilings_of_real_rankings_are_those_computed_elsewhere(source: str) -> None:
    evidence = Evidence.of(real(source))
    rows = left_out(evidence)
    assert rows.others_L.mean() == pytest.approx(CEILINGS[source], abs=6e-4)
    ratio = Resampler(evidence.chosen(rows.place_L).group_M).mean(rows.others_L)
    assert ratio.low < CEILINGS[source] < ratio.high


def test_scores_are_spread_out_bin_by_bin_and_model_by_model() -> None:
    entries = scored(40)
    for entry in entries:
        entry.raw_N[2] += 10
    spread = held_out.judged(entries)["scores"]
    assert sum(spread["histogram"]["counts"]) == 120
    assert spread["histogram"]["edges"][0] == pytest.approx(spread["around_prompt_mean"]["0"])
    assert spread["histogram"]["edges"][-1] == pytest.approx(spread["around_prompt_mean"]["100"])
    assert spread["by_model"][0]["model"] == "m2"
    assert [row["completions"] for row in spread["by_model"]] == [40, 40, 40]
    assert spread["by_model"][0]["percentiles"]["5"] > spread["by_model"][1]["percentiles"]["95"]


def test_a_disagreement_tells_what_everybody_said_of_the_pair() -> None:
    found = held_out.judged([voted(RANKS)])["disagreements"]
    assert [(one["votes"], one["margin"]) for one in found] == [({"preferred": 2, "other": 1, "tie": 1}, -2.0)]
    assert found[0]["preferred"] == "this"


def test_one_persons_view_against_most_others_is_no_disagreement_of_the_model() -> None:
    assert held_out.judged([voted([[1, 2], [2, 1], [2, 1]])])["disagreements"] == []
    assert held_out.judged([voted([[1, 2], [2, 1]])])["disagreements"] == []


def voted(ranks: Sequence[list[int]]) -> Scored:
    """A pair whose second text the model scores higher."""
    row = {
        "prompt_id": 1,
        "split": "validation",
        "messages": [{"role": "user", "content": "Which?"}],
        "completions": [{"text": "this"}, {"text": "that one"}],
        "annotations": [{"annotator": name, "ranks": ranks} for name, ranks in zip("abcd", ranks, strict=False)],
    }
    return Scored(ranked_prompt(row), torch.tensor([0.0, 2.0]))
