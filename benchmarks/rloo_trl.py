"""The peer's side of `ppo_vs_trl`, arm rloo: a few updates of TRL's RLOOTrainer, which is maintained, each timed.

Runs in the peer's environment and imports nothing of our engine.
"""

import resource
import tempfile
import time
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl import RLOOConfig, RLOOTrainer

from benchmarks.ppo_data import prompts_of


class Clock(TrainerCallback):
    """CPU seconds of each update, which has an optimizer step for every epoch."""

    def __init__(self, epochs: int) -> None:
        self.seconds: list[float] = []
        self.epochs = epochs
        self.steps = 0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Called once."""
        self.started = time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Called after each optimizer step."""
        self.steps += 1
        if self.steps % self.epochs == 0:
            self.seconds.append(time.process_time() - self.started)
            self.started = time.process_time()


def updates(plan: dict[str, Any]) -> dict[str, Any]:
    """Train as planned; CPU seconds of each update, tokens of a completion, the peak of memory in MiB."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(plan["model"], padding_side="left")
    clock = Clock(plan["epochs"])
    reward = AutoModelForSequenceClassification.from_pretrained(plan["model"], num_labels=1, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as out:
        trainer = RLOOTrainer(
            model=AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32),
            reward_funcs=reward,
            args=settings(out, plan),
            train_dataset=Dataset.from_dict({"prompt": [text for text, _ in prompts_of(plan)]}),
            processing_class=tokenizer,
            reward_processing_classes=AutoTokenizer.from_pretrained(plan["model"]),
            callbacks=[clock],
        )
        trainer.train()
    return {
        "seconds": clock.seconds,
        "tokens": float(plan["reply_tokens"]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def settings(out: str, plan: dict[str, Any]) -> RLOOConfig:
    """All completions of an update in one batch, no reports."""
    return RLOOConfig(
        out,
        per_device_train_batch_size=plan["prompts"] * plan["samples"],
        gradient_accumulation_steps=1,
        num_generations=plan["samples"],
        num_iterations=plan["epochs"],
        max_steps=plan["updates"] * plan["epochs"],
        max_completion_length=plan["reply_tokens"],
        learning_rate=plan["learning_rate"],
        lr_scheduler_type="constant",
        temperature=1.0,
        beta=0.05,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_steps=10**9,
        disable_tqdm=True,
        shuffle_dataset=False,
        seed=plan["seed"],
    )
