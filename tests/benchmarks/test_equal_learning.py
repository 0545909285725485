"""Learning beside a peer: figures at equal KL, the shared reward, and all of it once with a peer that is ours too."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import equal_learning, equal_learning_beginning, equal_learning_judge, equal_learning_ours
from benchmarks.equal_learning_figures import Ways, compared
from benchmarks.equal_learning_judge import ended
from benchmarks.equal_learning_ours import config_of
from benchmarks.equal_learning_plan import ARMS, TALKATIVE, Arm, Beginning, Size
from benchmarks.equal_learning_world import THINGS, World, gold, ranking
from tests.sanity.conftest import one_thread
from tests.tiny_model import tiny_tokenizer

SMALLEST = Size(
    world=World(things=4, asks=2),
    seeds=2,
    episodes=8,
    epochs=2,
    reply_tokens=8,
    held_out_samples=1,
    reading_steps=20,
    tasks_per_prompt=1,
    reward_steps=4,
)
FAST = Arm(batch=4, learning_rate=1e-2)


def straight(slope: float, far: float, seeds: int = 5, noise: float = 0.0) -> Ways:
    """Ways along which gold grows with distance, each seed's slope a little off."""
    draw = np.random.default_rng(1)
    kl = np.linspace(0, far, 5)[:, None] + np.zeros((5, 40))
    slopes = slope + noise * draw.normal(size=seeds)
    prompts = draw.normal(0, 0.1, (seeds, 5, 40)) * (kl > 0)
    return Ways(np.stack([kl] * seeds), slopes[:, None, None] * kl + prompts)


def test_gold_is_compared_where_both_are_as_far_away() -> None:
    # The other side is twice as far for the same gold: what each has at its end says nothing.
    found = compared(straight(0.5, 4.0), straight(0.25, 8.0), 2.0)
    assert (found["ours"], found["peer"]) == (pytest.approx(1.0, abs=0.05), pytest.approx(0.5, abs=0.05))
    assert found["ratio"] == pytest.approx(2.0, abs=0.2)
    assert found["low"] < found["lead"] < found["high"]
    assert found["verdict"] == "ours learns more"
    assert compared(straight(0.25, 8.0), straight(0.5, 4.0), 2.0)["verdict"] == "the peer learns more"


def test_what_a_way_does_not_reach_is_not_shown() -> None:
    found = compared(straight(0.5, 8.0), straight(0.5, 3.0), 4.0)
    assert found["verdict"] == "not shown"
    assert found["lead"] is None
    assert found["farthest_of_each_seed"]["peer"] == pytest.approx([3.0] * 5)


def test_few_seeds_call_nobody_better_and_lost_gold_has_no_ratio() -> None:
    few = compared(straight(0.5, 4.0, seeds=4), straight(0.25, 4.0, seeds=4), 2.0)
    assert few["low"] > 0
    assert few["verdict"] == "within noise"
    lost = compared(straight(-0.1, 4.0), straight(-0.5, 4.0), 2.0)
    assert (lost["verdict"], lost["ratio"]) == ("ours learns more", None)


def test_seeds_that_disagree_leave_a_small_lead_within_noise() -> None:
    agreed = compared(straight(0.52, 4.0), straight(0.5, 4.0), 2.0)
    apart = compared(straight(0.52, 4.0, noise=0.2), straight(0.5, 4.0), 2.0)
    assert apart["high"] - apart["low"] > 3 * (agreed["high"] - agreed["low"])
    assert apart["verdict"] == "within noise"


def test_gold_counts_from_where_each_seed_starts() -> None:
    start = [{"kl": [0.0, 0.0], "gold": [2.0, 0.0]}]
    ways = Ways.of([[{"kl": [1.0, 3.0], "gold": [4.0, 2.0]}]], start, 2.0)
    assert [float(ways.at(nats, 0)[0]) for nats in (0.0, 1.0, 2.0)] == [0.0, 0.5, 1.0]
    assert ways.reached() == [2.0]
    # By the second prompt alone: farther away, and no less gained.
    assert ways.at(1.5, 0, np.array([[0.0, 1.0]])).tolist() == [0.0]


def test_no_thing_is_both_learnt_and_asked_about_and_people_rank_by_gold() -> None:
    world = World()
    train, test = world.prompts("train"), world.prompts("test")
    assert (len(set(train)), len(set(test))) == (128, 256)
    named = [
        {thing for thing in THINGS for prompt in asked if thing in prompt.replace("?", " ").replace(".", " ").split()}
        for asked in (train, test)
    ]
    assert not named[0] & named[1]
    assert named[0] | named[1] == set(THINGS)
    said = ranking(3, "Ask", ["It is kind and grey.", "It is kind and calm.", "It is dull and kind.", "It is loud"])
    assert said["annotations"][0]["ranks"] == [2, 1, 2, 3]
    assert gold("It is loud and swee") == -1.0


def test_answers_of_the_talkative_are_longer_than_any_completion() -> None:
    said = replace(World(), **TALKATIVE).exchanges()
    tokenizer = tiny_tokenizer(said)
    assert min(len(tokenizer.encode(answer)) for _, answer in said) > Size().reply_tokens
    assert any(len(tokenizer.encode(answer)) < Size().reply_tokens for _, answer in World().exchanges())


def test_a_stop_token_is_put_behind_what_was_cut_and_nothing_else() -> None:
    stop, real = 9, torch.tensor([[0, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.bool)
    ids, seen = ended(torch.tensor([[0, 5, 6, 7], [5, 6, 9, 0], [5, 9, 6, 6]]), real, stop)
    assert ids.tolist() == [[0, 5, 6, 7, 9], [5, 6, 9, 0, 0], [5, 9, 6, 6, 9]]
    assert seen.sum(dim=1).tolist() == [4, 3, 5]


def test_every_arm_is_what_its_name_says(tmp_path: Path) -> None:
    size, start = Size(), Beginning(tmp_path)
    plans = {name: size.plan(arm, "ours", start) for name, arm in ARMS.items()}
    configs = {name: config_of(plan) for name, plan in plans.items()}
    for name, config in configs.items():
        episodes = config.updates * config.prompts_per_update * config.samples_per_prompt
        assert (name, episodes, max(plans[name]["points"])) == (name, size.episodes, config.updates)
        assert len(plans[name]["points"]) == 8
    assert [name for name, config in configs.items() if config.method == "lora"] == ["lora", "recipe"]
    assert [name for name, arm in ARMS.items() if arm.peer_lora] == ["lora"]
    assert [name for name, config in configs.items() if config.value == "apart"] == ["full_apart", "lora"]
    assert {name: plan["batch"] for name, plan in plans.items()} == dict.fromkeys(ARMS, 16) | {"b4": 4, "b64": 64}
    assert [name for name, plan in plans.items() if plan["missing_stop_penalty"] == 0] == ["no_end"]
    assert [name for name, config in configs.items() if config.samples_per_prompt > 1] == ["recipe"]
    assert size.plan(ARMS["recipe"], "peer", start)["learning_rate"] == plans["full"]["learning_rate"]


@pytest.fixture(scope="module", autouse=True)
def on_one_thread() -> Iterator[None]:
    """Training takes one thread; other tests of the same process get back what they had."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest world's model and reward model."""
    work = tmp_path_factory.mktemp("equal") / "work"
    equal_learning_beginning.begun(work / "ends", SMALLEST, SMALLEST.world)
    return work


def test_both_sides_are_paid_alike_and_it_shows_where_they_are_not(
    beginning: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Beginning(beginning / "ends")
    assert json.loads(start.made.read_text())["rewards_apart"] < equal_learning_beginning.SAME_REWARD
    monkeypatch.setattr(equal_learning_judge, "ended", lambda ids, real, _stop: (ids, real))
    assert equal_learning_beginning.rewards_apart(start, SMALLEST) > 100 * equal_learning_beginning.SAME_REWARD


def test_all_of_it_and_only_what_is_missing_again(beginning: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equal_learning, "EQUAL_KL", (1e-3, 1e3))
    asked: list[tuple[str, list[int]]] = []

    def trainer(side: str) -> equal_learning.Trainer:
        def train(plan: dict[str, Any], _folder: Path) -> dict[str, Any]:
            asked.append((side, [run["seed"] for run in plan["runs"]]))
            return equal_learning_ours.train(plan)

        return train

    sides = {side: trainer(side) for side in ("ours", "peer")}

    def found() -> list[dict[str, Any]]:
        return list(equal_learning.rows({"full": FAST}, beginning, SMALLEST, sides))

    near, far = found()
    assert asked == [("ours", [0, 1]), ("peer", [0, 1])]
    # The peer does just what we do, so that it is in the same place at the same distance.
    assert near["ours"] == near["peer"]
    assert (near["lead"], near["low"], near["high"], near["verdict"]) == (0.0, 0.0, 0.0, "within noise")
    assert (far["verdict"], far["lead"]) == ("not shown", None)
    assert {"name", "arm", "ours", "peer", "ratio", "unit", "machine", "seeds", "nats"} <= set(near)
    assert near["prompts"] == 6
    assert near["episodes"] == 8
    folder = beginning / "full-8"
    assert not list(folder.rglob("*.safetensors"))
    kept = folder / "ours" / "seed-0" / "step-2.json"
    before = kept.stat().st_mtime_ns, kept.read_text()
    (folder / "peer" / "seed-1" / "step-1.json").unlink()
    assert found() == [near, far]
    assert asked[2:] == [("peer", [1])]
    assert (kept.stat().st_mtime_ns, kept.read_text()) == before
