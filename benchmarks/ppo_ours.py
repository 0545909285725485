"""Our side of `ppo_vs_trl`: a few updates of PPO or RLOO on given prompts, each timed."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.ppo_data import prompts_of
from workers.rlhf import cast, compare, ppo
from workers.rlhf.allocator import keep_freed_memory
from workers.rlhf.cast import Cast
from workers.rlhf.policy_configs import Online, PpoConfig, RlooConfig
from workers.rlhf.rollout import Question
from workers.rlhf.rounds import Step


def updates(plan: dict[str, Any]) -> dict[str, Any]:
    """Train as planned; CPU seconds of each update, tokens of a completion, the peak of memory in MiB."""
    torch.set_num_threads(1)
    keep_freed_memory()
    roles = cast.assemble(Path(plan["model"]), Path(plan["reward"]), config_of(plan), seed=plan["seed"])
    questions = [Question(number, ids, "") for number, (_, ids) in enumerate(prompts_of(plan))]
    seconds, tokens = [], 0.0
    started = time.process_time()
    for step in steps(roles, questions, plan):
        seconds.append(time.process_time() - started)
        tokens = step.metrics["response/tokens"]
        started = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "tokens": tokens, "peak_mb": peak}


def steps(roles: Cast, questions: list[Question], plan: dict[str, Any]) -> Iterator[Step]:
    """The recipe's updates."""
    config = config_of(plan)
    if isinstance(config, PpoConfig):
        return ppo.train(roles, questions, config, ppo.training_of(roles, config), seed=plan["seed"])
    return compare.train(roles, questions, config, compare.training_of(roles, config), seed=plan["seed"])


def config_of(plan: dict[str, Any]) -> Online:
    """The peer's settings in our words."""
    shared = {
        "method": plan["method"],
        "updates": plan["updates"],
        "prompts_per_update": plan["prompts"],
        "samples_per_prompt": plan["samples"],
        "max_new_tokens": plan["reply_tokens"],
        "epochs": plan["epochs"],
        "minibatches": 1,
        "prompts_per_chunk": plan["prompts"],
        "learning_rate": plan["learning_rate"],
        "full_learning_rate": plan["learning_rate"],
        "warmup_updates": 0,
        "kl_coefficient": 0.05,
        "stop_kl": 0.0,
        "missing_stop_penalty": 0.0,
        "lora_layers": plan["layers"],
    }
    if plan["recipe"] == "rloo":
        return RlooConfig(**shared)
    values = {"value": plan["value"], "value_learning_rate": plan["learning_rate"], "trace": 0.95}
    return PpoConfig(**shared, **values, blind_value="warn", prompt_baseline="none")
