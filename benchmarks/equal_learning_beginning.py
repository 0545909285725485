"""What both sides of `equal_learning` start from: a model that writes, a reward model in two forms, and prompts."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import gold_play
from benchmarks.equal_learning_judge import Judge
from benchmarks.equal_learning_plan import Beginning, Size
from benchmarks.equal_learning_world import World, ranking
from benchmarks.gold import write_whole
from tests.tiny_model import build_tiny_model
from workers.rlhf import by_hand, cast, rollout
from workers.rlhf.by_hand import Asked
from workers.rlhf.child import say_nothing
from workers.rlhf.data import pad_left, pad_right
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.rollout import Question

RANKED = 4
# Rewards of the same completions may differ by rounding.
SAME_REWARD = 1e-4
# Prompts whose completions show that they do.
COMPARED = 16
# Two layers of width 64 learn nothing at the rates of a large model.
REWARD = {
    "method": "full",
    "full_learning_rate": 1e-3,
    "head_learning_rate": 5e-3,
    "prompts_per_chunk": 8,
    "checkpoint_every": 0,
}


def begun(work: Path, size: Size, world: World) -> Beginning:
    """All of it, made once.

    Raises:
        RuntimeError: the reward model's two forms score the same completions differently.
    """
    start = Beginning(work)
    if start.made.is_file():
        return start
    work.mkdir(parents=True, exist_ok=True)
    for half_done in (start.base, start.reward.parent):
        shutil.rmtree(half_done, ignore_errors=True)
    build_tiny_model(start.base, steps=size.reading_steps, exchanges=world.exchanges())
    found = by_hand.train(
        Asked(
            kind="reward",
            settings=REWARD | {"minimum_steps": size.reward_steps},
            files={"data": rankings(start, size, world)},
            models={"base": start.base},
            out=start.reward.parent,
            threads=1,
        ),
        say_nothing,
    )
    apart = rewards_apart(start, size)
    if apart > SAME_REWARD:
        raise RuntimeError(f"the reward model's two forms score the same completions {apart:.2g} apart")
    write_whole(start.made, json.dumps({"accuracy": found["accuracy/held_out"], "rewards_apart": apart}))
    return start


def reading(size: Size, count: int) -> EvaluateConfig:
    """How models are let write: so many completions of each prompt."""
    return EvaluateConfig(samples_per_prompt=count, max_new_tokens=size.reply_tokens, prompts_per_chunk=64)


def rankings(start: Beginning, size: Size, world: World) -> Path:
    """What people say of the first model's completions; the prompts are written down as tokens too."""
    role, _ = gold_play.of_folder(start.base, None)
    prompts, tasks = world.prompts("train"), size.tasks_per_prompt
    asked, answers = gold_play.write(role, prompts, reading(size, RANKED * tasks), seed=1)
    rows = [
        ranking(place * tasks + task, prompt, [said.text for said in group[task::tasks]])
        for place, (prompt, group) in enumerate(zip(prompts, answers, strict=True))
        for task in range(tasks)
    ]
    write_whole(start.prompts, json.dumps([one.ids for one in asked]))
    path = start.folder / "rankings.jsonl"
    write_whole(path, "".join(json.dumps(row) + "\n" for row in rows))
    return path


def rewards_apart(start: Beginning, size: Size) -> float:
    """The largest difference between what our engine pays and what the peer is paid, for the same completions."""
    config = PpoConfig(
        max_new_tokens=size.reply_tokens, samples_per_prompt=2, lora_layers=0, prompts_per_chunk=COMPARED
    )
    players = cast.assemble(start.base, start.reward, config, seed=0)
    prompts = json.loads(start.prompts.read_text())[:COMPARED]
    questions = [Question(place, ids, "") for place, ids in enumerate(prompts)]
    answers = rollout.answer(players, questions, config, count=2, seed=(3,))
    asked = [prompts[owner] for owner in answers.batch.owner_N.tolist()]
    chat = players.policy.model.chat
    judge = Judge(str(start.classifier), chat.stop_id)
    theirs_N = scores(judge, asked, [done.ids for done in answers.completions], chat.pad_id)
    return float((theirs_N - rollout.judge(players, answers, config)).abs().max())


@torch.no_grad()
def scores(judge: Judge, asked: Sequence[Sequence[int]], said: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """Scores [N] of completions, asked for as the peer does: prompts padded on the left, completions on the right."""
    (prompt_NP, asked_NP), (reply_NR, said_NR) = pad_left(asked, pad_id), pad_right(said, pad_id)
    real_NT = torch.cat([asked_NP, said_NR], dim=1)
    found = judge.backbone(torch.cat([prompt_NP, reply_NR], dim=1).masked_fill(~real_NT, 0), real_NT)
    assert found.last_hidden_state is not None
    return judge.score(found.last_hidden_state)[:, -1, 0]
