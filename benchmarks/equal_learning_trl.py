"""The peer's side of `equal_learning`: TRL's PPOTrainer (1.12, the last that has it) on the same prompts and reward.

Runs in the peer's environment and imports nothing of our engine.
"""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, inject_adapter_in_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed
from trl.experimental.ppo import PPOConfig, PPOTrainer

from benchmarks.equal_learning_judge import Judge, whole_classifier

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Witness(TrainerCallback):
    """Writes the policy's weights down at each point, and keeps what the trainer reports."""

    def __init__(self, points: list[int], folder: Path) -> None:
        self.points = points
        self.folder = folder
        self.told: list[dict[str, float]] = []

    def on_log(self, *_: Any, logs: dict[str, float], **__: Any) -> None:
        """Called at each update."""
        self.told.append({name: logs[name] for name in ("objective/kl", "objective/scores")})

    def on_step_end(self, _: Any, state: Any, *__: Any, model: Any, **___: Any) -> None:
        """Called after each update."""
        if state.global_step in self.points:
            save_file(weights_of(model.policy), self.folder / f"step-{state.global_step}.safetensors")


def train(plan: dict[str, Any]) -> dict[str, Any]:
    """One run after the other; of each a file of weights at each point, and what the trainer reported."""
    torch.set_num_threads(1)
    for run in plan["runs"]:
        witness = Witness(plan["points"], Path(run["folder"]))
        with tempfile.TemporaryDirectory() as out:
            trainer_of(plan, run["seed"], out, witness).train()
        (witness.folder / "told.json").write_text(json.dumps(witness.told))
    return {"runs": len(plan["runs"])}


def trainer_of(plan: dict[str, Any], seed: int, out: str, witness: Witness) -> PPOTrainer:
    """The trainer with its four models; values start as the reward model scores, as TRL's own examples have it."""
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(plan["base"], padding_side="left")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules=LINEAR) if plan["peer_lora"] else None
    rows = Dataset.from_dict({"input_ids": json.loads(Path(plan["prompts"]).read_text())})
    return PPOTrainer(
        args=settings(out, plan, seed),
        processing_class=tokenizer,
        model=policy_of(plan),
        ref_model=None if lora else policy_of(plan),
        reward_model=Judge(plan["classifier"], tokenizer.eos_token_id),
        value_model=value_of(plan),
        train_dataset=rows,
        eval_dataset=rows,
        callbacks=[witness],
        peft_config=lora,
    )


def policy_of(plan: dict[str, Any]) -> Any:
    """The model that both sides start from."""
    return AutoModelForCausalLM.from_pretrained(plan["base"], dtype=torch.float32)


def value_of(plan: dict[str, Any]) -> Any:
    """A copy of the reward model; with adapters only these and the head learn."""
    model = whole_classifier(plan["classifier"])
    if plan["peer_lora"]:
        inject_adapter_in_model(LoraConfig(r=16, lora_alpha=32, target_modules=LINEAR), model)
        model.score.requires_grad_(True)
    return model


def weights_of(policy: Any) -> dict[str, torch.Tensor]:
    """The policy as a whole model: an adapter is put into a copy."""
    whole = copy.deepcopy(policy).merge_and_unload() if isinstance(policy, PeftModel) else policy
    return {name: weight.detach().clone() for name, weight in whole.state_dict().items()}


def settings(out: str, plan: dict[str, Any], seed: int) -> PPOConfig:
    """One minibatch an epoch, our optimizer's constants, a constant rate, nothing kept."""
    return PPOConfig(
        out,
        per_device_train_batch_size=plan["batch"],
        gradient_accumulation_steps=1,
        num_mini_batches=1,
        num_ppo_epochs=plan["epochs"],
        total_episodes=plan["updates"] * plan["batch"],
        response_length=plan["reply_tokens"],
        local_rollout_forward_batch_size=plan["batch"],
        learning_rate=plan["learning_rate"],
        lr_scheduler_type="constant",
        adam_beta2=0.95,
        adam_epsilon=1e-5,
        temperature=1.0,
        kl_coef=plan["kl_coefficient"],
        stop_token="eos",  # noqa: S106 -- no password
        missing_eos_penalty=plan["missing_stop_penalty"] or None,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        num_sample_generations=0,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        seed=seed,
    )
