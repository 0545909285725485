"""The peer's side of `sft_vs_trl`: a few optimizer steps of TRL's SFTTrainer on the same demonstrations, each timed.

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
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.sft_data import demonstrations_of


class InOrder(SFTTrainer):
    """Takes rows as they come, so that a step holds the same demonstrations, and remembers the losses."""

    losses: list[float]

    def _get_train_sampler(self, *_: Any, **__: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def compute_loss(self, *given: Any, **more: Any) -> Any:
        """The trainer's own loss, noted: a micro-batch's share of the step's mean over learnt tokens."""
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
    clock = Clock(plan["gradient"])
    with tempfile.TemporaryDirectory() as out:
        trainer = InOrder(
            model=AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32),
            args=settings(out, plan),
            train_dataset=Dataset.from_list(rows_of(plan)),
            processing_class=AutoTokenizer.from_pretrained(plan["model"]),
            callbacks=[clock],
        )
        trainer.losses = []
        trainer.train()
    return {
        "seconds": clock.seconds,
        "loss": sum(trainer.losses[: plan["rows"] // plan["micro_batch"]]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def rows_of(plan: dict[str, Any]) -> list[dict[str, list[int]]]:
    """The demonstrations as the trainer takes them; `sorted` puts those of like length together within each step."""
    rows = [
        {"input_ids": asked + said, "completion_mask": [0] * len(asked) + [1] * len(said)}
        for asked, said in demonstrations_of(plan)
    ]
    if not plan["sorted"]:
        return rows
    size = plan["rows"]
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [row for part in parts for row in sorted(part, key=lambda row: len(row["input_ids"]))]


def settings(out: str, plan: dict[str, Any]) -> SFTConfig:
    """The peer's settings; `defaults` leaves everything but the number format and the step's size as it is."""
    shared = {
        "output_dir": out,
        "per_device_train_batch_size": plan["micro_batch"],
        "gradient_accumulation_steps": plan["rows"] // plan["micro_batch"],
        "max_steps": plan["steps"],
        "bf16": False,
        "use_cpu": True,
        "seed": plan["seed"],
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "completion_only_loss": True,
    }
    if plan["defaults"]:
        return SFTConfig(**shared)
    return SFTConfig(
        **shared,
        max_length=None,
        packing=False,
        gradient_checkpointing=False,
        optim="adamw_torch_fused",
        learning_rate=plan["learning_rate"],
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        logging_steps=10**9,
    )
