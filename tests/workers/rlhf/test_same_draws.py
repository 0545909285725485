"""How many prompts go through a model together changes no completion: each has random numbers of its own."""

from dataclasses import replace
from pathlib import Path

from tests.workers.rlhf.test_ppo import ask, save_reward
from workers.rlhf import best_of_n, cast, evaluate
from workers.rlhf.alternative_configs import BestOfNConfig
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.sampling import row_seed


def test_best_of_n_writes_the_same_in_chunks_of_any_size(tiny_base: Path, tmp_path: Path) -> None:
    config = BestOfNConfig(max_new_tokens=8, lora_layers=1, samples_per_prompt=2)
    players = cast.assemble(tiny_base, save_reward(tiny_base, tmp_path / "artifact"), config, seed=1)
    found = []
    for size in (1, 4, 6):
        parts = best_of_n.write(players, ask(players), replace(config, prompts_per_chunk=size), seed=7)
        found.append([(one.prompt_id, one.seed, one.ids, one.chosen) for part in parts for one in part])
    assert found[0] == found[1] == found[2]
    assert len({seed for _, seed, _, _ in found[0]}) == 12
    assert found[0][5][1] == row_seed(7, 2, 5)


def test_an_evaluation_writes_the_same_in_chunks_of_any_size(tiny_base: Path) -> None:
    (role,) = evaluate.load_writers({"policy": tiny_base}).values()
    messages = [[{"role": "user", "content": text}] for text in ("Hello?", "What is a river?", "Say it again.")]
    asked = [evaluate.Asked(place, one, role.model.chat.prompt(one, 64).ids) for place, one in enumerate(messages)]
    found = []
    for size in (1, 2, 3):
        config = EvaluateConfig(max_new_tokens=8, samples_per_prompt=3, prompts_per_chunk=size)
        parts = evaluate.write(role, asked, config, seed=7)
        found.append([said.completion.ids for part in parts for group in part for said in group])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 9
