"""Run a recipe from its folder: load, iterate, tell, save. One function a kind."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import sqrt
from statistics import fmean
from types import MappingProxyType
from typing import Any, Final

import torch

from workers.rlhf import cast, import_model, models, ppo, reward_report, sample
from workers.rlhf.artifacts import Description, read_description, seal
from workers.rlhf.cast import Cast
from workers.rlhf.configs import PpoConfig
from workers.rlhf.data import BadDataError, Chat, read_lines
from workers.rlhf.job import Job
from workers.rlhf.pretrain_run import launch_pretrain
from workers.rlhf.reward_run import launch_reward
from workers.rlhf.rollout import Question, answer, judge, kl_to_reference
from workers.rlhf.sft_run import launch_sft

SHOWN_PROMPTS: Final = 8


def launch(job: Job) -> None:
    """Run a job's recipe to its end."""
    if job.threads:
        torch.set_num_threads(job.threads)
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

    job.step("writing", 0, 1)
    for step in sample.write(job.models, requests, job.config, tell, seed=job.seed):
        job.step("writing", step.number, step.total)
        if step.cut_prompts:
            job.log("warning", f"{step.cut_prompts} prompts were longer than max_prompt_tokens and lost their start.")
    metrics = {
        "completions": len(written),
        "response/tokens": fmean(len(done.completion.ids) for done in written),
        "response/stopped": fmean(done.completion.stopped for done in written),
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


def launch_ppo(job: Job) -> None:
    """Improve the policy and save its adapter (or its whole weights)."""
    config: PpoConfig = job.config
    job.step("loading", 0, config.updates)
    roles = cast.assemble(job.model("policy"), job.model("reward"), config, seed=job.seed)
    learn, show = questions(job, roles.policy.model.chat)
    training = ppo.training_of(roles, config)
    done = job.resumed(training)
    first = None if done else shown(job, roles, show, 0)
    for step in ppo.train(roles, learn, config, training, seed=job.seed, done=done):
        job.step("training", step.number, step.total)
        job.metric(step.number, step.metrics)
        if config.checkpoint_every and step.number % config.checkpoint_every == 0 and step.number < step.total:
            job.checkpoint(step.number, training)
    last = shown(job, roles, show, config.updates)
    report = {"first": first, "last": last, "prompts": {"learnt": len(learn), "shown": len(show)}}
    save_policy(job, roles, last, report)


def questions(job: Job, chat: Chat) -> tuple[list[Question], list[Question]]:
    """The prompts to learn on, and the few that are answered at the first and the last update for people to read.

    Raises:
        BadDataError: there is no prompt.
    """
    config: PpoConfig = job.config
    rows = list(read_lines(job.folder / "data.jsonl"))
    train = [row for row in rows if row.get("split", "train") == "train"] or rows
    if not train:
        raise BadDataError("there is no prompt to learn on")
    held_out = [row for row in rows if row.get("split") in reward_report.HELD_OUT]
    encoded = [(row, chat.prompt(row["messages"], config.max_prompt_tokens)) for row in (held_out or train)]
    show = [Question(row["prompt_id"], prompt.ids, row["messages"][-1]["content"]) for row, prompt in encoded]
    learn = [(row, chat.prompt(row["messages"], config.max_prompt_tokens)) for row in train]
    cut = sum(prompt.cut > 0 for _, prompt in learn)
    if cut:
        job.log("warning", f"{cut} prompts were longer than max_prompt_tokens and lost their start.")
    return [Question(row["prompt_id"], prompt.ids, "") for row, prompt in learn], show[:SHOWN_PROMPTS]


def shown(job: Job, roles: Cast, show: list[Question], step: int) -> dict[str, float]:
    """Answer the prompts that people read, always with the same seeds, and tell score and distance of each answer."""
    answers = answer(roles, show, job.config, count=1, seed=(job.seed, -1))
    scores, distances = judge(roles, answers, job.config).tolist(), kl_to_reference(roles, answers, job.config).tolist()
    for question, done, score, kl in zip(show, answers.completions, scores, distances, strict=True):
        text = roles.policy.model.chat.text(done.ids)
        entry = {"type": "sample", "step": step, "prompt": question.text, "completion": text}
        job.emit(entry | {"score": score, "kl": kl})
    deviation = sqrt(fmean((kl - fmean(distances)) ** 2 for kl in distances))
    numbers = {
        "eval/scores": fmean(scores),
        "eval/kl": fmean(distances),
        "eval/kl_standard_error": deviation / sqrt(len(distances)),
        "eval/tokens": fmean(len(done.ids) for done in answers.completions),
    }
    job.metric(step, numbers)
    return numbers


def save_policy(job: Job, roles: Cast, metrics: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Write the policy's artifact."""
    job.out.mkdir(parents=True, exist_ok=True)
    models.save_role(roles.policy, job.out)
    description = Description(
        kind="policy",
        base_sha256=roles.policy.model.base_sha256,
        adapter=roles.policy.adapter is not None,
        config=asdict(job.config),
        metrics=dict(metrics),
    )
    job.finish(description, card("Policy", description, report), report)


def launch_import(job: Job) -> None:
    """Convert a published model into a base artifact."""
    for step in import_model.convert(job.source, job.out, job.config):
        job.step(step.phase, step.number, step.total)
    sealed = seal(job.out)
    job.result(sealed, read_description(job.out).metrics, {})


def card(title: str, description: Description, report: Mapping[str, Any]) -> str:
    """A model card: what it was made from, how, and what came out."""
    sections = {"Settings": description.config, "Metrics": description.metrics, "Report": report}
    lines = [f"# {title}", "", f"Made by Plackett on the base {description.base_sha256}."]
    for name, content in sections.items():
        lines += ["", f"## {name}", "", *(f"- {key}: {value}" for key, value in content.items())]
    return "\n".join([*lines, ""])


LAUNCHERS: Final[Mapping[str, Callable[[Job], None]]] = MappingProxyType(
    {
        "sample": launch_sample,
        "pretrain": launch_pretrain,
        "sft": launch_sft,
        "reward": launch_reward,
        "ppo": launch_ppo,
        "import_model": launch_import,
    }
)
