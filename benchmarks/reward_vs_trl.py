"""A reward model from K-way rankings: our engine against TRL's trainer of pairs, on the same machine in the same run.

Both fine-tune every weight of the same model in fp32 on the same rankings, as many prompts a step, one thread each, by
turns. The peer takes its best micro-batch. Random weights of SmolLM2-135M's shape: speed does not read them. Each row
says how far loss and gradient of the first step agree.

    python -m benchmarks.reward_vs_trl [--model tiny] [--arms k4_pairs,k9_pairs] [--repeats 3] [--steps 3]
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForSequenceClassification

from benchmarks.peers import Side, by_turns, fastest, machine, ours, peer, ratios, usual
from tests.tiny_model import tiny_tokenizer

TRL = "trl==1.16.0"
MICRO_BATCHES = (1, 2, 4, 6, 12)
SWEPT_PROMPTS = 2
SWEPT_K = 4
LEARNING_RATE = 1e-5
SHAPES = {
    "tiny": {"vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
    "135m": {"vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30},
}
HEADS = {"tiny": (4, 2), "135m": (9, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One comparison. `against` is what we are compared with: all pairs, neighbours, defaults, or our own rows."""

    k: int = 4
    prompts: int = 8
    prompt_tokens: int = 96
    reply_tokens: int = 48
    against: str = "pairs"

    def plan(self, model: Path, given: argparse.Namespace) -> dict[str, Any]:
        """What both sides are to do."""
        return {
            "model": str(model),
            "vocabulary": SHAPES[given.model]["vocab_size"],
            "k": self.k,
            "prompts": self.prompts,
            "prompt_tokens": self.prompt_tokens,
            "reply_tokens": self.reply_tokens,
            "steps": given.steps,
            "seed": given.seed,
            "learning_rate": LEARNING_RATE,
            "form": given.form,
            "chunk": given.chunk,
            "adjacent": self.against == "adjacent",
            "defaults": self.against == "defaults",
            "micro_batch": 6,
            "gradient": None,
        }


def arms() -> dict[str, Arm]:
    """Every comparison by name; `k4` at three ratios of prompt to completion length."""
    found = {"k4_pairs": Arm(), "k9_pairs": Arm(k=9, prompts=1), "k2": Arm(k=2)}
    for against in ("defaults", "adjacent", "rows"):
        found[f"k4_{against}"] = Arm(against=against)
    for name, prompt_tokens, reply_tokens in (("short", 48, 96), ("long", 144, 24)):
        for against in ("pairs", "adjacent", "rows"):
            arm = Arm(prompt_tokens=prompt_tokens, reply_tokens=reply_tokens, against=against)
            found[f"k4_{against}_{name}_prompt"] = arm
    return found


def main() -> None:
    """Print a row for each arm, and one for memory."""
    given = arguments()
    wanted = {name: arm for name, arm in arms().items() if not given.arms or name in given.arms.split(",")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = build_model(folder / "model", given.model)
        sides = {"ours": ours("benchmarks.reward_ours:steps"), "trl": peer("benchmarks.reward_trl:steps", TRL)}
        for row in rows(wanted, model, sides, given):
            print(json.dumps(row), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=list(SHAPES), default="135m")
    parser.add_argument("--arms", default="", help=f"comma-separated, of {', '.join(arms())}; all when left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--steps", type=int, default=3, help="optimizer steps of each process; the first counts only if alone"
    )
    parser.add_argument("--at-once", type=int, default=1, help="turns side by side, where cores are to spare")
    parser.add_argument("--chunk", type=int, default=0, help="prompts that our side runs together; 0: as it comes")
    parser.add_argument("--form", default="auto", help="auto, cache, tree or rows")
    parser.add_argument("--micro-batch", type=int, default=0, help="the peer's; 0: the fastest of those tried")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def rows(
    wanted: dict[str, Arm], model: Path, sides: dict[str, Side], given: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Measure arm after arm."""
    best: dict[tuple[int, int, int], int] = {}
    for name, arm in wanted.items():
        plan, folder = arm.plan(model, given), model.parent
        size = (min(arm.k, SWEPT_K), arm.prompt_tokens, arm.reply_tokens)
        if arm.against != "rows" and size not in best:
            best[size] = given.micro_batch or best_micro_batch(sides["trl"], plan, folder, given.at_once)
        other = sides["ours"] if arm.against == "rows" else sides["trl"]
        theirs = plan | ({"form": "rows"} if arm.against == "rows" else {"micro_batch": best[size]})
        if arm.against == "defaults":
            theirs["micro_batch"] = 8
        turns = by_turns([(sides["ours"], plan), (other, theirs)], given.repeats, folder, given.at_once)
        yield row(name, plan | theirs, turns, equality((sides["ours"], plan), (other, theirs), folder))
        if name == "k4_pairs":
            yield memory_row(plan | theirs, turns)


def best_micro_batch(side: Side, plan: dict[str, Any], folder: Path, at_once: int) -> int:
    """The micro-batch in which the peer is fastest, found on a smaller step: a pair is as long whatever K is."""
    small = plan | {"k": min(plan["k"], SWEPT_K), "prompts": SWEPT_PROMPTS, "steps": 1}
    small |= {"adjacent": False, "defaults": False}
    pairs = small["prompts"] * small["k"] * (small["k"] - 1) // 2
    sizes = [size for size in MICRO_BATCHES if pairs % size == 0]
    return sizes[fastest(side, [small | {"micro_batch": size} for size in sizes], folder, at_once)]


def equality(
    mine: tuple[Side, dict[str, Any]], other: tuple[Side, dict[str, Any]], folder: Path
) -> dict[str, float | None]:
    """How far the first step's loss and gradient differ; unknown where the peer optimises something else."""
    if other[1]["adjacent"] or other[1]["defaults"]:
        return {"loss_diff": None, "grad_cos": None}
    files = [folder / f"gradient-{name}.safetensors" for name in ("ours", "peer")]
    found = [
        side.run(plan | {"steps": 1, "gradient": str(file)}, folder)["loss"]
        for (side, plan), file in zip((mine, other), files, strict=True)
    ]
    cosine = cosine_of(*files)
    for file in files:
        file.unlink()
    return {"loss_diff": found[0] - found[1], "grad_cos": cosine}


def cosine_of(one: Path, other: Path) -> float:
    """Cosine of two gradients, tensor by tensor in fp64.

    Raises:
        ValueError: they are not of the same weights.
    """
    with safe_open(one, "pt") as left, safe_open(other, "pt") as right:
        names = set(left.keys())
        if names != set(right.keys()):
            raise ValueError(f"gradients of different weights: {sorted(names ^ set(right.keys()))[:5]}")
        both = [(left.get_tensor(name).double().flatten(), right.get_tensor(name).double().flatten()) for name in names]
    products = [torch.stack([a @ b, a @ a, b @ b]) for a, b in both]
    across, own, others = torch.stack(products).sum(dim=0).tolist()
    return float(across / (own * others) ** 0.5)


def row(
    name: str, plan: dict[str, Any], turns: list[list[dict[str, Any]]], same: dict[str, float | None]
) -> dict[str, Any]:
    """One line of output: CPU seconds per ranking on both sides."""
    seconds = [[usual(found["seconds"]) / plan["prompts"] for found in side] for side in turns]
    return {
        "name": "reward_vs_trl",
        "arm": name,
        **ratios(*seconds),
        "unit": "CPU s per ranking",
        **same,
        "acc_diff": None,
        "peak_mb": {"ours": peak(turns[0]), "peer": peak(turns[1])},
        **facts(plan, turns),
    }


def memory_row(plan: dict[str, Any], turns: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """The peer's peak of memory over ours."""
    peaks = [[found["peak_mb"] for found in side] for side in turns]
    return {"name": "reward_vs_trl", "arm": "memory", **ratios(*peaks), "unit": "MiB at the peak", **facts(plan, turns)}


def peak(found: list[dict[str, Any]]) -> float:
    """The highest peak of all turns."""
    return max(one["peak_mb"] for one in found)


def facts(plan: dict[str, Any], turns: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """What has to be known to measure the same again."""
    named = ("k", "prompts", "prompt_tokens", "reply_tokens", "chunk", "micro_batch", "steps")
    return {
        **{name: plan[name] for name in named},
        "form": turns[0][0]["form"],
        "repeats": len(turns[0]),
        "seeds": [plan["seed"]],
        "versions": {"trl": TRL.partition("==")[2], "torch": version("torch"), "transformers": version("transformers")},
        "machine": machine(),
    }


def build_model(folder: Path, shape: str) -> Path:
    """A classifier with random weights, and a tokenizer with a pad token."""
    heads, kv_heads = HEADS[shape]
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        **SHAPES[shape],
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        num_labels=1,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    torch.manual_seed(0)
    LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
