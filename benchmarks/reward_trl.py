"""The peer's side of `reward_vs_trl`: a few optimizer steps of TRL's RewardTrainer, one row a pair, each timed.

Runs in the peer's environment and imports nothing of our engine.
"""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import save_file
from torch.utils.data import SequentialSampler
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl import RewardConfig, RewardTrainer

from benchmarks.reward_data import rankings_of


class InOrder(RewardTrainer):
    """Takes rows as they come, so that a step holds whole rankings, and remembers the losses."""

    losses: list[float]

    def _get_train_sampler(self, *_: Any, **__: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def compute_loss(self, *given: Any, **more: Any) -> Any:
        """The trainer's own loss, noted."""
        loss = super().compute_loss(*given, **more)
        self.losses.append(float((loss[0] if isinstance(loss, tuple) else loss).detach()))
        return loss


class Clock(TrainerCallback):
    """CPU seconds of each optimizer step; the first gradient, if somebody wants it."""

    def __init__(self, gradient: str | None) -> None:
        self.seconds: list[float] = []
        self.gradient = gradient

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Called before the first micro-batch of a step."""
        self.started = time.process_time()

    def on_pre_optimizer_step(self, *_: Any, model: torch.nn.Module, **__: Any) -> None:
        """Called once all micro-batches are in the gradient."""
        if self.gradient and not Path(self.gradient).exists():
            named = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
            save_file({name: gradient.contiguous() for name, gradient in named.items()}, self.gradient)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Called when the optimizer has stepped and the gradient is cleared."""
        self.seconds.append(time.process_time() - self.started)


def steps(plan: dict[str, Any]) -> dict[str, Any]:
    """Train as planned; CPU seconds of each step, the first step's loss, the peak of memory in MiB."""
    torch.set_num_threads(1)
    rows = [
        {"chosen_ids": one.prompt + one.completions[won], "rejected_ids": one.prompt + one.completions[lost]}
        for one in rankings_of(plan)
        for won, lost in one.pairs(adjacent=plan["adjacent"])
    ]
    per_step = len(rows) // plan["steps"]
    micro = min(plan["micro_batch"], per_step)
    clock = Clock(plan["gradient"])
    with tempfile.TemporaryDirectory() as out:
        trainer = InOrder(
            model=AutoModelForSequenceClassification.from_pretrained(plan["model"], dtype=torch.float32),
            args=settings(out, plan, micro, per_step // micro),
            train_dataset=Dataset.from_list(rows),
            processing_class=AutoTokenizer.from_pretrained(plan["model"]),
            callbacks=[clock],
        )
        trainer.losses = []
        trainer.train()
    first = trainer.losses[: per_step // micro]
    return {
        "seconds": clock.seconds,
        "loss": sum(first) / len(first),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def settings(out: str, plan: dict[str, Any], micro: int, accumulation: int) -> RewardConfig:
    """The peer's settings; `defaults` leaves everything but the number format and the step's size as it is."""
    shared = {
        "output_dir": out,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": accumulation,
        "max_steps": plan["steps"],
        "bf16": False,
        "use_cpu": True,
        "seed": plan["seed"],
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    if plan["defaults"]:
        return RewardConfig(**shared)
    return RewardConfig(
        **shared,
        max_length=None,
        gradient_checkpointing=False,
        disable_dropout=True,
        optim="adamw_torch_fused",
        learning_rate=plan["learning_rate"],
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        logging_steps=10**9,
    )
