"""Our side of `reward_quality`: the engine's reward models, one a job, and the states of a frozen model."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.reward_quality_data import read_items, tokens_of
from workers.rlhf import annotators, models, reward, reward_report
from workers.rlhf.course import Course
from workers.rlhf.forms import run
from workers.rlhf.models import LanguageModel
from workers.rlhf.pairs import RankedPrompt
from workers.rlhf.prefix import Dialogues, States
from workers.rlhf.reward import Reader, RewardModel
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.reward_run import tie_rate


def work(plan: dict[str, Any]) -> dict[str, Any]:
    """Do job after job, each written to a file of its own when it is done."""
    torch.set_float32_matmul_precision("high")
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)
    prompts = read_items(Path(plan["rankings"]), plan["folds"]).prompts
    for job in plan["jobs"]:
        found = train(plan, job, prompts)
        path = Path(plan["results"]) / f"{job['key']}.json"
        path.with_suffix(".part").write_text(json.dumps(found), encoding="utf-8")
        path.with_suffix(".part").rename(path)
    return {"done": len(plan["jobs"])}


def train(plan: dict[str, Any], job: dict[str, Any], prompts: Sequence[RankedPrompt]) -> dict[str, Any]:
    """Train on the job's items as its settings say, then score both completions of every held-out item."""
    started = time.perf_counter()
    config = RewardConfig(**job["config"])
    learnt_from = [prompts[number] for number in job["train"]]
    course = Course.of(learnt_from, config, seed=job["seed"])
    model = models.load_base(Path(plan["base"]), full=config.method == "full")
    trained = RewardModel(
        model,
        config,
        tie_rate=tie_rate(learnt_from),
        seed=job["seed"],
        annotators=annotators.names_of(course.prompts),
    )
    reader = Reader(model, config)
    losses = [
        step.metrics["loss"]
        for step in reward.train(trained, reader, course, reward.training_of(trained, config), seed=job["seed"])
    ]
    held = [prompts[number] for number in job["held"]]
    scored = reward_report.score(trained, reader, held)
    return {
        "loss": sum(losses) / len(losses),
        "steps": len(losses),
        "form": model.form,
        "seconds": time.perf_counter() - started,
        "scores": {str(number): entry.raw_N.tolist() for number, entry in zip(job["held"], scored, strict=True)},
        "peak_mb": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
    }


def write_tokens(plan: dict[str, Any]) -> dict[str, Any]:
    """Write both dialogues of every item as token ids: what the peer learns from."""
    config = RewardConfig()
    reader = Reader(models.load_base(Path(plan["base"])), config)
    prompts = read_items(Path(plan["rankings"]), plan["folds"]).prompts
    Path(plan["tokens"]).write_text(json.dumps(tokens_of(prompts, reader.tokens)), encoding="utf-8")
    return {"items": len(prompts)}


@torch.no_grad()
def write_features(plan: dict[str, Any]) -> dict[str, Any]:
    """Write what the untrained model says of each text, its last state and the mean of its states, and each item's two.

    `features` is [T, 2 d], `place` [N, 2] says which of its rows an item's completions have.
    """
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)
    model = models.load_base(Path(plan["base"]))
    reader = Reader(model, RewardConfig())
    prompts = read_items(Path(plan["rankings"]), plan["folds"]).prompts
    known: dict[tuple[str, str], int] = {}
    rows: list[Tensor] = []
    for prompt in prompts:
        keys = [(str(prompt.messages), text) for text in prompt.texts]
        if not all(key in known for key in keys):
            found = both_states(model, reader.tokens(prompt).to(model.device))
            for key, row in zip(keys, found, strict=True):
                if key not in known:
                    known[key] = len(rows)
                    rows.append(row)
    place_N2 = torch.tensor([[known[str(prompt.messages), text] for text in prompt.texts] for prompt in prompts])
    save_file({"features": torch.stack(rows), "place": place_N2}, plan["features"])
    return {"texts": len(rows), "items": len(prompts)}


def both_states(model: LanguageModel, batch: Dialogues) -> Tensor:
    """The last state of each reply beside the mean of its states, in fp32 on the CPU."""
    states: States = run(model.backbone, batch)
    mask_NR1 = batch.reply_mask_NR[..., None].float()
    mean_Nd = (states.reply_NRd.float() * mask_NR1).sum(dim=1) / mask_NR1.sum(dim=1)
    return torch.cat([states.last(batch.reply_mask_NR).float(), mean_Nd], dim=1).cpu()
