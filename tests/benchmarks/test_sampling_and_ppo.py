from argparse import Namespace
from pathlib import Path

import torch

from benchmarks.ppo_data import prompts_of
from benchmarks.ppo_ours import config_of
from benchmarks.ppo_vs_trl import ARMS
from benchmarks.sampling_data import writing_of
from benchmarks.sampling_peer import Planned, batches
from tests.tiny_model import tiny_tokenizer
from workers.rlhf.policy_configs import PpoConfig, RlooConfig

WRITING = {"seed": 1, "prompts": 5, "completions": 4, "longest": 60, "lengths": "real", "vocabulary": 512, "width": 8}


def test_both_sides_write_as_many_tokens() -> None:
    one, other = writing_of(WRITING), writing_of(WRITING)
    assert one == other
    assert len(one.lengths) == len(one.owner) == 20
    assert max(one.lengths) <= 60
    assert len(set(one.lengths)) > 5


def test_the_peer_answers_prompts_of_like_length_together_and_every_one_once() -> None:
    writing = writing_of(WRITING)
    together = batches(writing, WRITING)
    assert sorted(place for batch in together for place in batch) == list(range(5))
    assert [len(batch) for batch in together] == [2, 2, 1]
    lengths = [len(writing.prompts[place]) for batch in together for place in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_the_peers_rows_end_when_they_are_as_long_as_planned() -> None:

    ends = Planned(10, [2, 5])
    assert ends(torch.zeros(2, 12)).tolist() == [True, False]
    assert ends(torch.zeros(2, 15)).tolist() == [True, True]


def test_prompts_are_the_same_tokens_whichever_way_they_are_given(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    plan = {"model": str(tmp_path), "seed": 1, "updates": 2, "prompts": 3, "prompt_tokens": 12}
    prompts = prompts_of(plan)
    assert prompts == prompts_of(plan)
    assert len(prompts) == 6
    for text, ids in prompts:
        assert tokenizer.encode(text, add_special_tokens=False)[:12] == ids


def test_every_arm_is_what_its_name_says(tmp_path: Path) -> None:
    given = Namespace(
        model="135m", prompts=4, prompt_tokens=8, reply_tokens=8, epochs=4, updates=3, seed=0, repeats=1, arms=""
    )
    configs = {name: config_of(arm.plan(tmp_path, given)) for name, arm in ARMS.items()}
    assert {name: config.method for name, config in configs.items()} == {
        "full": "full",
        "lora": "lora",
        "recipe": "lora",
        "cached_trunk": "lora",
        "rloo": "full",
    }
    assert [name for name, arm in ARMS.items() if arm.peer_lora] == ["lora"]
    assert configs["cached_trunk"].lora_layers == 10
    assert configs["recipe"].lora_layers == 0
    assert isinstance(configs["rloo"], RlooConfig)
    assert isinstance(configs["lora"], PpoConfig)
    assert configs["lora"].value == "apart"
    for config in configs.values():
        assert (config.epochs, config.minibatches, config.updates, config.stop_kl) == (4, 1, 3, 0.0)
