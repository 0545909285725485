"""The peer's side of `ppo_vs_trl`: a few updates of TRL's PPOTrainer (1.12, the last that has it), each timed.

Runs in the peer's environment and imports nothing of our engine.
"""

import resource
import tempfile
import time
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, inject_adapter_in_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer

from benchmarks.ppo_data import prompts_of


class Clock(TrainerCallback):
    """CPU seconds of each update."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Called once."""
        self.started = time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Called after each update."""
        self.seconds.append(time.process_time() - self.started)
        self.started = time.process_time()


def updates(plan: dict[str, Any]) -> dict[str, Any]:
    """Train as planned; CPU seconds of each update, tokens of a completion, the peak of memory in MiB."""
    torch.set_num_threads(1)
    torch.manual_seed(plan["seed"])
    tokenizer = AutoTokenizer.from_pretrained(plan["model"], padding_side="left")
    policy = AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear") if plan["peer_lora"] else None
    rows = Dataset.from_dict({"input_ids": [ids for _, ids in prompts_of(plan)]})
    clock = Clock()
    with tempfile.TemporaryDirectory() as out:
        trainer = PPOTrainer(
            args=settings(out, plan),
            processing_class=tokenizer,
            model=policy,
            ref_model=None if lora else AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32),
            reward_model=scorer(plan, None),
            value_model=scorer(plan, lora),
            train_dataset=rows,
            eval_dataset=rows,
            callbacks=[clock],
            peft_config=lora,
        )
        trainer.train()
    return {
        "seconds": clock.seconds,
        "tokens": float(plan["reply_tokens"]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def scorer(plan: dict[str, Any], lora: LoraConfig | None) -> Any:
    """A model with one number on top; with adapters only these and the head learn."""
    model = AutoModelForSequenceClassification.from_pretrained(plan["model"], num_labels=1, dtype=torch.float32)
    if lora is None:
        return model
    shape = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    )
    inject_adapter_in_model(shape, model)
    model.score.requires_grad_(True)
    return model


def settings(out: str, plan: dict[str, Any]) -> PPOConfig:
    """One minibatch an epoch, nothing ends before its length, no reports."""
    return PPOConfig(
        out,
        per_device_train_batch_size=plan["prompts"],
        gradient_accumulation_steps=1,
        num_mini_batches=1,
        num_ppo_epochs=plan["epochs"],
        total_episodes=plan["updates"] * plan["prompts"],
        response_length=plan["reply_tokens"],
        local_rollout_forward_batch_size=plan["prompts"],
        learning_rate=plan["learning_rate"],
        temperature=1.0,
        kl_coef=0.05,
        stop_token=None,
        missing_eos_penalty=None,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        num_sample_generations=0,
        report_to="none",
        save_strategy="no",
        logging_steps=10**9,
        disable_tqdm=True,
        seed=plan["seed"],
    )
