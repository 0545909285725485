"""A new reward model beside the one in use, on the same held-out judgments: what a gate decides on.

Shapes: M = pairs, J = judgments.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from workers.rlhf import judging
from workers.rlhf.artifacts import artifact_sha256
from workers.rlhf.evidence import Evidence, Scored
from workers.rlhf.held_out import predictions
from workers.rlhf.job import Job
from workers.rlhf.pairs import RankedPrompt, effective
from workers.rlhf.preflight import Cuts, encoded
from workers.rlhf.ranking_file import read_rankings
from workers.rlhf.resampling import Numbers
from workers.rlhf.reward import Reader, RewardModel
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.score import Judge, load_judge

LIVE: Final = "live"
GATE: Final = "gate.jsonl"
DIGITS: Final = 6


def against_live(job: Job, trained: RewardModel) -> dict[str, Any] | None:
    """Log loss and right pairs of both models for each judgment of the gate's file; None where there is no live one.

    Each model is read with a temperature and a tie parameter of its own, fitted on other groups of these judgments.
    """
    path = job.folder / GATE
    if LIVE not in job.models or not path.is_file():
        return None
    config: RewardConfig = job.config
    chat = trained.language_model.chat
    readable = encoded(read_rankings(path).prompts, chat, config, Cuts(), [])
    prompts = [prompt for prompt in readable if prompt.pairs]
    new = read_by(Judge(trained.language_model, trained.role, trained.head), config, prompts)
    make_room(trained)
    live = read_by(load_judge(job.model(LIVE)), config, prompts)
    columns = side_by_side(Evidence.of(live), Evidence.of(new), config.overlap_correlation)
    return {"live_sha256": artifact_sha256(job.model(LIVE)), "columns": columns}


@torch.no_grad()
def read_by(judge: Judge, config: RewardConfig, prompts: Sequence[RankedPrompt]) -> list[Scored]:
    """Raw scores by one model, of texts cut as the new model's configuration says, on the CPU."""
    reader = Reader(judge.model, config)
    scored: list[Scored] = []
    for chunk in reader.parts(prompts):
        batch = reader.read(chunk)
        raw_N = judge.head.raw(judge.head.read_from(judge.role.states(batch), batch.reply_mask_NR)).cpu()
        parts = torch.split(raw_N, [len(prompt.texts) for prompt in chunk])
        scored += [Scored(prompt, part) for prompt, part in zip(chunk, parts, strict=True)]
    return scored


def make_room(trained: RewardModel) -> None:
    """Take the new model off its GPU: it has nothing to do there any more, and the live one needs the memory."""
    nn.Module.to(trained.language_model.causal, "cpu")
    torch.cuda.empty_cache()


def side_by_side(live: Evidence, new: Evidence, correlation: float) -> dict[str, list[Any]]:
    """One row a judgment: prompt and its group, weight, decided pairs, and of both models log loss and right pairs.

    Weights add up to effective judgments: n of the same completions count n / (1 + (n - 1) ρ) together.
    """
    if not len(new):
        return {name: [] for name in COLUMNS}
    _, first_J, place_M = np.unique(new.judgment_M, return_index=True, return_inverse=True)
    prompts = [new.said[place].prompt for place in first_J.tolist()]
    together = Counter(id(prompt) for prompt in prompts)
    decided_M = (~new.tie_M).astype(np.float64)

    def by_judgment(value_M: Numbers) -> list[float]:
        return np.round(np.bincount(place_M, weights=value_M), DIGITS).tolist()  # type: ignore[no-any-return]

    rows: dict[str, list[Any]] = {
        "prompt": [prompt.prompt_id for prompt in prompts],
        "group": new.group_M[first_J].tolist(),
        "weight": [effective(together[id(prompt)], correlation) / together[id(prompt)] for prompt in prompts],
        "decided": by_judgment(decided_M),
    }
    for name, evidence in (("live", live), ("new", new)):
        rows[f"{name}_loss"] = by_judgment(predictions(evidence, None).loss_M * evidence.weight_M)
        rows[f"{name}_right"] = by_judgment(judging.right(evidence.margin_M) * decided_M)
    return rows


COLUMNS: Final = ("prompt", "group", "weight", "decided", "live_loss", "live_right", "new_loss", "new_right")
