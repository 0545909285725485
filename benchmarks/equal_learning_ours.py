"""Our side of `equal_learning`: PPO on given prompts, with the policy's weights written down on its way."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from workers.rlhf import cast, merging, ppo
from workers.rlhf.cast import POLICY, Cast
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.rollout import Question


def train(plan: dict[str, Any]) -> dict[str, Any]:
    """One run after the other; of each a file of weights at each point, and what it reported of itself."""
    torch.set_num_threads(1)
    config = config_of(plan)
    for run in plan["runs"]:
        told = list(one_run(plan, config, run["seed"], Path(run["folder"])))
        (Path(run["folder"]) / "told.json").write_text(json.dumps(told))
    return {"runs": len(plan["runs"])}


def one_run(plan: dict[str, Any], config: PpoConfig, seed: int, folder: Path) -> Any:
    """The numbers of each update, in the peer's words."""
    players = cast.assemble(Path(plan["base"]), Path(plan["reward"]), config, seed=seed)
    prompts = json.loads(Path(plan["prompts"]).read_text())
    questions = [Question(place, ids, "") for place, ids in enumerate(prompts)]
    for step in ppo.train(players, questions, config, ppo.training_of(players, config), seed=seed):
        if step.number in plan["points"]:
            save_file(weights_of(players, Path(plan["base"])), folder / f"step-{step.number}.safetensors")
        yield {
            name: step.metrics[name]
            for name in ("objective/kl", "objective/scores", "val/explained_var", "response/tokens")
        }


def weights_of(players: Cast, base: Path) -> dict[str, torch.Tensor]:
    """The policy as a whole model: an adapter is put into a copy of the base."""
    whole = (
        players.policy.model if players.policy.adapter is None else merging.merged(players.policy.model, POLICY, base)
    )
    return {name: weight.detach().clone() for name, weight in whole.causal.state_dict().items()}


def config_of(plan: dict[str, Any]) -> PpoConfig:
    """The peer's settings in our words; the recipe keeps our own where they say how an update goes."""
    shared: dict[str, Any] = {
        "method": plan["method"],
        "value": plan["value"],
        "updates": plan["updates"],
        "max_new_tokens": plan["reply_tokens"],
        "prompts_per_chunk": plan["batch"],
        "learning_rate": plan["learning_rate"],
        "full_learning_rate": plan["learning_rate"],
        "kl_coefficient": plan["kl_coefficient"],
        "missing_stop_penalty": plan["missing_stop_penalty"],
        "lora_layers": 0,
        # The peer's λ. The recipe has it too, as when its published figures were taken; its own is 1 now.
        "trace": 0.95,
        "blind_value": "warn",
        "checkpoint_every": 0,
    }
    if plan["recipe"]:
        each = PpoConfig.samples_per_prompt
        return PpoConfig(**shared, prompts_per_update=max(1, plan["batch"] // each), samples_per_prompt=each)
    return PpoConfig(
        **shared,
        prompts_per_update=plan["batch"],
        samples_per_prompt=1,
        epochs=plan["epochs"],
        minibatches=1,
        warmup_updates=0,
        stop_kl=0.0,
        prompt_baseline="none",
        value_learning_rate=plan["learning_rate"],
    )
