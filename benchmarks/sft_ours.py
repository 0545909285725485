"""Our side of `sft_vs_trl`: a few optimizer steps of the engine on given demonstrations, each timed."""

import resource
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.sft_data import demonstrations_of
from workers.rlhf.allocator import keep_freed_memory
from workers.rlhf.checkpoints import Training
from workers.rlhf.data import chat_of
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.next_token import learn, pupil
from workers.rlhf.packing import Row
from workers.rlhf.processes import Team
from workers.rlhf.sft import training_of


def steps(plan: dict[str, Any]) -> dict[str, Any]:
    """Train as planned; CPU seconds of each step, the first step's loss, the peak of memory in MiB.

    Where the plan names a file for it, the first step's gradient goes there.
    """
    torch.set_num_threads(1)
    # As every training run does on a CPU.
    keep_freed_memory()
    rows = [Row(asked + said, [False] * len(asked) + [True] * len(said)) for asked, said in demonstrations_of(plan)]
    causal = AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32)
    model = LanguageModel(causal.eval(), chat_of(AutoTokenizer.from_pretrained(plan["model"])), "benchmark")
    reader = pupil(Role(model, None), tokens_per_forward=plan["tokens_per_forward"], packed=plan["packed"], team=Team())
    training = training_of(reader.role, plan["learning_rate"], 0.0)
    if plan["gradient"]:
        keep_gradient(training, Path(plan["gradient"]))
    seconds, losses = [], []
    for start in range(0, len(rows), plan["rows"]):
        started = time.process_time()
        losses.append(learn(reader, rows[start : start + plan["rows"]], training, 1.0)["loss"])
        seconds.append(time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "loss": losses[0], "peak_mb": peak}


def keep_gradient(training: Training, path: Path) -> None:
    """Write the first gradient, as it is after clipping, just before the optimizer uses it."""

    def write(*_: Any) -> None:
        if not path.exists():
            named = {name: weight.grad for name, weight in training.weights.items() if weight.grad is not None}
            save_file({name: gradient.contiguous() for name, gradient in named.items()}, path)

    training.optimizer.register_step_pre_hook(write)
