"""Run a recipe from its folder: load, iterate, tell, save. One function a kind."""

from collections.abc import Callable, Mapping
from statistics import fmean
from types import MappingProxyType
from typing import Any, Final

import torch

from workers.rlhf import import_model, models, sample
from workers.rlhf.allocator import keep_freed_memory
from workers.rlhf.artifacts import read_description, seal
from workers.rlhf.best_of_n_run import launch_best_of_n
from workers.rlhf.data import BadDataError, read_lines
from workers.rlhf.dpo_run import launch_dpo
from workers.rlhf.evaluate_run import launch_evaluate
from workers.rlhf.job import Job
from workers.rlhf.policy_run import launch_online
from workers.rlhf.pretrain_run import launch_pretrain
from workers.rlhf.reward_run import launch_reward
from workers.rlhf.sft_run import launch_sft


def launch(job: Job) -> None:
    """Run a job's recipe to its end."""
    if job.threads:
        torch.set_num_threads(job.threads)
    if models.main_device().type == "cpu":
        keep_freed_memory()
    # On a CPU a resumed run ends with the very same bits: no scattered additions in an order of their own. A GPU would
    # pay for it with slower kernels and a warning at each that has no such order.
    torch.use_deterministic_algorithms(mode=models.main_device().type == "cpu", warn_only=True)
    # Memory that nothing has been written to is not read either: filling it first finds mistakes, at a price.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch types no setters
    # In bf16 cuDNN's attention gives gradients that are not finite where a row sees padding alone (torch 2.11, H100).
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)
    LAUNCHERS[job.kind](job)


def launch_sample(job: Job) -> None:
    """Write completions; they leave as events, not as an artifact."""
    requests = sample.requests_of(read_lines(job.folder / "data.jsonl"), job.config)
    if not requests:
        raise BadDataError("there is no prompt to answer")
    written: list[sample.Written] = []

    def tell(done: sample.Written) -> None:
        written.append(done)
        job.emit(completion_event(done))
        job.step("writing", job.before + len(written), job.before + len(requests))
        if len(written) < len(requests):
            job.rest_if_asked()

    job.step("writing", job.before, job.before + len(requests))
    for step in sample.write(job.models, requests, job.config, tell, seed=job.seed):
        if step.cut_prompts:
            job.log("warning", f"{step.cut_prompts} prompts were longer than max_prompt_tokens and lost their start.")
    metrics = {
        "completions": len(written),
        "response/tokens": fmean(len(done.completion.ids) for done in written),
        "response/stopped": fmean(done.completion.ended for done in written),
    }
    job.metric(len(written), metrics)
    job.result(None, metrics, {})


def completion_event(done: sample.Written) -> dict[str, Any]:
    """What is told of a finished completion."""
    return {
        "type": "completion",
        "prompt_id": done.request.prompt_id,
        "model": done.request.model,
        "sample_index": done.request.index,
        "text": done.text,
        "seed": done.seed,
        "finish_reason": done.finish_reason,
        "token_count": len(done.completion.ids),
        "logprob": sum(done.completion.logprobs),
    }


def launch_import(job: Job) -> None:
    """Convert a published model into a base artifact."""
    for step in import_model.convert(job.source, job.out, job.config):
        job.step(step.phase, step.number, step.total)
    sealed = seal(job.out)
    job.result(sealed, read_description(job.out).metrics, {})


LAUNCHERS: Final[Mapping[str, Callable[[Job], None]]] = MappingProxyType(
    {
        "sample": launch_sample,
        "pretrain": launch_pretrain,
        "sft": launch_sft,
        "reward": launch_reward,
        "ppo": launch_online,
        "rloo": launch_online,
        "grpo": launch_online,
        "dpo": launch_dpo,
        "best_of_n": launch_best_of_n,
        "evaluate": launch_evaluate,
        "import_model": launch_import,
    }
)
