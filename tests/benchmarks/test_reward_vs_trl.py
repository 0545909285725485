"""The benchmark's own side, so that it still runs when somebody wants its figures."""

import math
from argparse import Namespace
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks import reward_ours
from benchmarks.peers import ratios
from benchmarks.reward_data import STOP, rankings_of
from benchmarks.reward_vs_trl import arms, build_model, cosine_of


def test_our_side_takes_its_steps_and_forms_agree(tmp_path: Path) -> None:
    given = Namespace(model="tiny", steps=2, seed=0, form="cache", chunk=2)
    model = build_model(tmp_path / "model", "tiny")
    plan = arms()["k4_pairs"].plan(model, given) | {"prompts": 2, "prompt_tokens": 12, "reply_tokens": 6}
    found = {}
    for form in ("cache", "rows"):
        gradient = tmp_path / f"{form}.safetensors"
        found[form] = reward_ours.steps(plan | {"form": form, "gradient": str(gradient)})
        assert found[form]["form"] == form
        assert len(found[form]["seconds"]) == 2
    assert math.isclose(found["cache"]["loss"], found["rows"]["loss"], abs_tol=1e-5)
    assert cosine_of(tmp_path / "cache.safetensors", tmp_path / "rows.safetensors") > 0.9999


def test_rankings_are_the_same_for_both_sides() -> None:
    plan = {"seed": 1, "vocabulary": 50, "k": 3, "prompts": 2, "steps": 2, "prompt_tokens": 5, "reply_tokens": 4}
    made = rankings_of(plan)
    assert made == rankings_of(plan)
    assert len(made) == 4
    assert all(len(one.prompt) == 5 and [len(c) for c in one.completions] == [4, 4, 4] for one in made)
    assert all(completion[-1] == STOP for one in made for completion in one.completions)
    assert made[0].pairs(adjacent=True) == [(0, 1), (1, 2)]
    assert made[0].pairs(adjacent=False) == [(0, 1), (0, 2), (1, 2)]


def test_ratios_are_medians_of_turns() -> None:
    found = ratios([1.0, 2.0, 3.0], [8.0, 4.0, 6.0])
    assert (found["ours"], found["peer"], found["ratio"]) == (2.0, 6.0, 3.0)
    assert found["ratio_of_each_turn"] == [8.0, 2.0, 2.0]


def test_a_cosine_of_gradients(tmp_path: Path) -> None:
    save_file({"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([0.0])}, tmp_path / "x")
    save_file({"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([1.0])}, tmp_path / "y")
    assert math.isclose(cosine_of(tmp_path / "x", tmp_path / "y"), 2**-0.5)
