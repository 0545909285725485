"""Run best-of-n from its folder: write, judge and choose, then learn what was chosen, and save the policy."""

from typing import Final

import torch

from workers.rlhf import best_of_n, cast, next_token, sft
from workers.rlhf.alternative_configs import BestOfNConfig
from workers.rlhf.best_of_n import Candidate, as_bytes, describe, from_bytes, lessons
from workers.rlhf.cast import Cast
from workers.rlhf.checkpoints import Training
from workers.rlhf.job import Job
from workers.rlhf.language_configs import SftConfig
from workers.rlhf.next_token import pupil
from workers.rlhf.policy_run import questions, save_policy, shown
from workers.rlhf.processes import Team
from workers.rlhf.rollout import Question

COMPLETIONS: Final = "completions.jsonl"
WRITTEN: Final = "written"
WRITING: Final = "writing"
TRAINING: Final = "training"


def launch_best_of_n(job: Job) -> None:
    """Write, judge, choose and learn; the artifact holds every completion with its score beside the policy."""
    config: BestOfNConfig = job.config
    if config.keep > config.samples_per_prompt:
        raise ValueError(f"keep: of {config.samples_per_prompt} completions of a prompt {config.keep} can't be kept")
    job.phases = (WRITING, TRAINING)
    job.step("loading", 0, 1)
    roles = cast.assemble(job.model("policy"), job.model("reward"), config, seed=job.seed)
    ask, show = questions(job, roles.policy.model.chat)
    ask = drawn(ask, config.prompts, seed=job.seed)
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    training = sft.training_of(roles.policy, rate, 0.0)
    done = job.resumed(training)
    writing = -(-len(ask) // config.prompts_per_chunk)
    if not done:
        training.numbers["first"] = shown(job, roles, show, 0)
        written = write(job, roles, ask)
        training.kept[WRITTEN] = torch.frombuffer(bytearray(as_bytes(written)), dtype=torch.uint8)
        job.between_steps(writing, training, due=True)
    written = from_bytes(training.kept[WRITTEN].numpy().tobytes())
    total = learn(job, roles, training, ask, written, done=max(0, done - writing), before=writing)
    last = shown(job, roles, show, total) | describe(written, config)
    report = {
        "first": training.numbers["first"],
        "last": last,
        "prompts": {"learnt": len(ask), "shown": len(show)},
        "steps": total - writing,
    }
    job.out.mkdir(parents=True, exist_ok=True)
    (job.out / COMPLETIONS).write_bytes(as_bytes(written))
    save_policy(job, roles, last, report)


def drawn(questions: list[Question], count: int, *, seed: int) -> list[Question]:
    """At most so many of the prompts, not always the first ones, in their own order."""
    order = torch.randperm(len(questions), generator=torch.Generator().manual_seed(seed)).tolist()
    return [questions[place] for place in sorted(order[:count])]


def write(job: Job, roles: Cast, ask: list[Question]) -> list[Candidate]:
    """All completions, told as they come."""
    config: BestOfNConfig = job.config
    total = -(-len(ask) // config.prompts_per_chunk)
    written: list[Candidate] = []
    job.step(WRITING, 0, total)
    for number, part in enumerate(best_of_n.write(roles, ask, config, seed=job.seed), start=1):
        written += part
        for one in part:
            job.emit(one.event())
        job.step(WRITING, number, total)
    job.metric(total, describe(written, config))
    return written


def learn(
    job: Job,
    roles: Cast,
    training: Training,
    ask: list[Question],
    written: list[Candidate],
    *,
    done: int,
    before: int,
) -> int:
    """Learn what was chosen after so many steps of writing; the number of steps in all."""
    config: BestOfNConfig = job.config
    rows = lessons(ask, written)
    plan = sft.plan_of(
        rows, SftConfig(epochs=config.epochs, minimum_steps=1, rows_per_step=config.rows_per_step), seed=job.seed
    )
    longest = config.max_prompt_tokens + config.max_new_tokens
    reader = pupil(roles.policy, tokens_per_forward=config.prompts_per_chunk * longest, packed=True, team=Team())
    steps = next_token.train(
        reader, plan, training, warmup_fraction=config.warmup_fraction, gradient_norm=config.gradient_norm, done=done
    )
    job.step(TRAINING, done, plan.steps)
    for step in steps:
        number = before + step.number
        job.step(TRAINING, step.number, step.total)
        job.metric(number, step.metrics)
        due = config.checkpoint_every > 0 and step.number % config.checkpoint_every == 0
        job.between_steps(number, training, due=due, last=step.number == step.total)
    return before + plan.steps
