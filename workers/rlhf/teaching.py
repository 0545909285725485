"""Run a plan of learning as a job: tell every step, look at what was held out, keep the best weights, leave samples.

The first and the last step are always looked at. All processes take part in losses; only the one that leads speaks,
samples and writes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean
from typing import Any, Final

import torch

from workers.rlhf.checkpoints import Training
from workers.rlhf.data import Messages
from workers.rlhf.job import Job
from workers.rlhf.next_token import Plan, Pupil, Step, mean_loss, train
from workers.rlhf.packing import Row
from workers.rlhf.sampling import Sampling, row_seed, sample
from workers.rlhf.score import Judge

READING_TEMPERATURE: Final = 0.7
# Names of the numbers that a checkpoint carries.
LAST: Final = "loss"
HELD_OUT: Final = "held_out_loss"
FIRST: Final = "first_held_out_loss"
BEST: Final = "best_merit"
BEST_LOSS: Final = "best_step_held_out_loss"
BEST_STEP: Final = "best_step"
WITHOUT_BETTER: Final = "evaluations_without_better"


@dataclass(frozen=True, slots=True)
class Shown:
    """A prompt that the model answers for people to read."""

    ids: list[int]
    text: str
    messages: Messages = ()


@dataclass(slots=True)
class Lesson:
    """All that a run of learning is made of."""

    job: Job
    reader: Pupil
    plan: Plan
    training: Training
    held_out: Sequence[Row]
    shown: Sequence[Shown] = ()
    bytes_per_token: float | None = None
    judge: Judge | None = None

    @property
    def config(self) -> Any:
        """The recipe's settings."""
        return self.job.config

    @property
    def leads(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.reader.team.leads


def teach(lesson: Lesson) -> dict[str, float]:
    """Learn the whole plan, or as much of it as helps; the weights are then those to keep. Returns the last numbers."""
    config, training = lesson.config, lesson.training
    done = lesson.job.resumed(training)
    if done == 0:
        look(lesson, 0)
    started, steps = time.monotonic(), lesson.plan.steps
    pace = {"warmup_fraction": config.warmup_fraction, "gradient_norm": config.gradient_norm}
    lesson.job.step("training", done, steps)
    todo = train(lesson.reader, lesson.plan, training, **pace, done=steps if enough(lesson) else done)
    for step in todo:
        started = tell(lesson, step, started)
        done = step.number
        if done == steps or (config.evaluate_every and done % config.evaluate_every == 0):
            look(lesson, done)
        due = config.checkpoint_every > 0 and done % config.checkpoint_every == 0
        lesson.job.between_steps(done, training, due=due, last=done == steps, together=lesson.reader.team)
        if enough(lesson):
            break
    return choose(lesson, done)


def enough(lesson: Lesson) -> bool:
    """Whether the held-out loss has not got better for as long as patience lasts."""
    patience = int(lesson.config.patience)
    return 0 < patience <= int(lesson.training.numbers.get(WITHOUT_BETTER, 0))


def tell(lesson: Lesson, step: Step, started: float) -> float:
    """Say what a step brought; returns the time at which the next one starts."""
    lesson.training.numbers[LAST] = step.metrics["loss"]
    lesson.job.step("training", step.number, step.total)
    now = time.monotonic()
    speed = {"tokens_per_second": step.metrics["tokens"] / max(now - started, 1e-9)}
    lesson.job.metric(step.number, step.metrics | speed)
    return now


def look(lesson: Lesson, step: int) -> None:
    """The held-out loss, answers to read and to judge, and a copy of the weights if they are the best so far."""
    training, keep = lesson.training, lesson.config.keep
    merits: dict[str, float] = {}
    if lesson.held_out:
        loss = mean_loss(lesson.reader, lesson.held_out)
        training.numbers |= {FIRST: training.numbers.get(FIRST, loss), HELD_OUT: loss}
        lesson.job.metric(step, {"eval/loss": loss} | in_bits(loss, lesson.bytes_per_token))
        merits["best"] = -loss
    if lesson.shown:
        score = show(lesson, step) if lesson.leads else 0.0
        if lesson.judge is not None:
            (merits["reward"],) = lesson.reader.team.sum([score], lesson.reader.role.model.device)
            lesson.job.metric(step, {"eval/score": merits["reward"]})
    if keep in merits:
        consider(training, merits[keep], step)
    lesson.reader.team.wait()


def in_bits(loss: float | None, bytes_per_token: float | None) -> dict[str, float]:
    """A held-out loss in bits per byte of text, which does not depend on the tokenizer, where that is known."""
    return {"eval/bits_per_byte": loss / log(2) / bytes_per_token} if loss is not None and bytes_per_token else {}


def consider(training: Training, merit: float, step: int) -> None:
    """Keep a copy of the weights where no earlier ones had a higher merit."""
    if merit > float(training.numbers.get(BEST, float("-inf"))):
        training.numbers |= {BEST: merit, BEST_STEP: step, WITHOUT_BETTER: 0, BEST_LOSS: training.numbers.get(HELD_OUT)}
        training.kept = {name: weight.detach().cpu().clone() for name, weight in training.weights.items()}
    else:
        training.numbers[WITHOUT_BETTER] = int(training.numbers.get(WITHOUT_BETTER, 0)) + 1


def choose(lesson: Lesson, done: int) -> dict[str, float]:
    """Put the weights to keep in place, and say which they are."""
    training = lesson.training
    seen: dict[str, float] = training.numbers
    kept = {"eval/loss": seen.get(HELD_OUT), "kept_step": float(done)}
    if training.kept:
        with torch.no_grad():
            for name, weight in training.weights.items():
                weight.copy_(training.kept[name])
        kept = {"eval/loss": seen[BEST_LOSS], "kept_step": float(seen[BEST_STEP])}
        if lesson.config.keep == "reward":
            kept["eval/score"] = seen[BEST]
        if seen[BEST_STEP] < done:
            lesson.job.log("info", f"Kept the weights of step {seen[BEST_STEP]}: none did better on what is held out.")
    if enough(lesson):
        lesson.job.log("info", f"Stopped after step {done}: no better in the last {lesson.config.patience} looks.")
    numbers = {"loss": seen.get(LAST)} | kept | {"eval/loss_before": seen.get(FIRST), "steps": float(done)}
    numbers |= in_bits(kept["eval/loss"], lesson.bytes_per_token)
    return {name: number for name, number in numbers.items() if number is not None}


def show(lesson: Lesson, step: int) -> float:
    """Answer the same prompts with the same random numbers at every look; the answers' mean score, if one judges.

    Only the first answers are told, for people to read.
    """
    role, job, shown = lesson.reader.role, lesson.job, lesson.shown
    seeds = [row_seed(job.seed, "shown", place) for place in range(len(shown))]
    plan = Sampling(temperature=READING_TEMPERATURE, max_new_tokens=lesson.config.sample_tokens)
    answers = sample(role, [entry.ids for entry in shown], range(len(shown)), seeds, plan)
    scores: list[float] = []
    for place, (entry, done) in enumerate(zip(shown, answers, strict=True)):
        text = role.model.chat.text(done.ids)
        if lesson.judge is not None:
            scores.append(float(lesson.judge.members(entry.messages, [text]).mean()))
        if place < lesson.config.samples_to_read:
            said = {"type": "sample", "step": step, "prompt": entry.text, "completion": text}
            job.emit(said | {"score": scores[-1] if scores else None, "kl": None})
    return fmean(scores) if scores else 0.0
