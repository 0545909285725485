"""What the service says a run takes, against what a real training process took."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from app.runs import estimates
from app.runs.shapes import built, shape_of
from app.runs.work import Data, Player, Work
from tests.workers.rlhf.conftest import write_job
from workers.rlhf.configs import config_from

MEASURED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from workers.rlhf.job import open_job
from workers.rlhf.launch import launch
launch(open_job(Path(sys.argv[1]), lambda _event: None))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
PRETRAIN = {"layers": 6, "width": 384, "heads": 6, "vocabulary": 400, "context": 128, "steps": 1, "rows_per_step": 4}
PRETRAIN |= {"tokens_per_forward": 512, "evaluation_tokens": 128, "samples_to_read": 0, "checkpoint_every": 1}
# Of the peak: memory depends on libraries, allocators and the machine.
TOLERANCE = 0.35


@pytest.mark.parametrize(
    "config",
    [
        LlamaConfig(hidden_size=96, intermediate_size=256, num_hidden_layers=3, num_attention_heads=6,
                    num_key_value_heads=2, vocab_size=500, tie_word_embeddings=True),
        LlamaConfig(hidden_size=96, intermediate_size=256, num_hidden_layers=3, num_attention_heads=6,
                    vocab_size=500, tie_word_embeddings=False),
        GPT2Config(n_embd=96, n_layer=3, n_head=6, vocab_size=500, n_positions=128),
    ],
    ids=["llama", "untied", "gpt2"],
)  # fmt: skip
def test_a_shape_counts_the_weights_of_the_real_model(config: LlamaConfig | GPT2Config) -> None:
    with torch.device("meta"):
        real = sum(weight.numel() for weight in AutoModelForCausalLM.from_config(config).parameters())
    shape = shape_of(config.to_dict())
    assert shape is not None
    # Only biases and the weights of norms are left out.
    assert shape.parameters == pytest.approx(real, rel=0.02)


def test_a_model_without_the_usual_names_has_no_shape() -> None:
    assert shape_of({"model_type": "mamba", "d_model": 768}) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_memory_of_a_real_run_is_near_the_estimate(tmp_path: Path) -> None:
    folder = write_job(tmp_path / "run", "pretrain", [], {}, config=PRETRAIN)
    (folder / "data.jsonl").unlink()
    (folder / "data.txt").write_text("The sea is deep and blue, and it is cold. Birds sleep in trees. " * 200)
    ended = subprocess.run([sys.executable, "-c", MEASURED, str(folder)], capture_output=True, text=True, check=True)
    peak = 1024 * json.loads(ended.stdout.splitlines()[-1])

    config = asdict(config_from("pretrain", PRETRAIN))
    work = Work(kind="pretrain", config=config, players={"base": Player(shape=built(config), base="new")})
    assert sum(estimates.memory(work, "cpu").values()) == pytest.approx(peak, rel=TOLERANCE)


def test_values_apart_of_a_whole_reward_model_are_one_more_model_that_learns() -> None:
    shape = built(asdict(config_from("pretrain", PRETRAIN)))

    def parts(value: str, *, adapter: bool) -> dict[str, int]:
        config = asdict(config_from("ppo", {"method": "full", "value": value}))
        players = {"policy": Player(shape=shape, base="a"), "reward": Player(shape=shape, base="b", adapter=adapter)}
        return estimates.memory(Work(kind="ppo", config=config, players=players), "cpu")

    shared, apart = parts("shared", adapter=False), parts("apart", adapter=False)
    assert apart["weights"] - shared["weights"] == 4 * shape.parameters
    assert apart["training"] - shared["training"] == 12 * shape.parameters
    assert parts("apart", adapter=True)["weights"] == shared["weights"]


def test_a_pass_of_a_round_is_no_larger_than_a_minibatch() -> None:
    shape = built(asdict(config_from("pretrain", PRETRAIN)))

    def largest(minibatches: int, hardware: estimates.Hardware) -> int:
        how = {"prompts_per_update": 4, "prompts_per_chunk": 4, "minibatches": minibatches}
        players = {role: Player(shape=shape, base="a", adapter=role == "reward") for role in ("policy", "reward")}
        data = Data(rows=24, prompt=66, longest_prompt=96)
        work = Work(kind="ppo", config=asdict(config_from("ppo", how)), players=players, data=data)
        return estimates.passes(work, hardware)

    assert largest(2, "cpu") < 0.6 * largest(1, "cpu")
    # There the prompts of a chunk may stay together.
    assert largest(2, "cuda") == largest(1, "cuda")


def test_what_takes_less_is_named_by_what_it_brings() -> None:
    config = asdict(config_from("pretrain", PRETRAIN | {"tokens_per_forward": 8192, "rows_per_step": 64}))
    work = Work(kind="pretrain", config=config, players={"base": Player(shape=built(config), base="new")})
    now = sum(estimates.memory(work, "cpu").values())
    found = estimates.smaller(work, "cpu")
    assert {one.setting for one in found} == {"tokens_per_forward", "gradient_checkpointing"}
    assert [one.memory for one in found] == sorted(one.memory for one in found)
    assert all(one.memory < now for one in found)
