"""Run a recipe that improves a policy from its folder: load, iterate, tell, save."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import sqrt
from statistics import fmean
from typing import Any, Final

from workers.rlhf import cast, compare, models, ppo, reward_report
from workers.rlhf.artifacts import Description, rewards_behind
from workers.rlhf.averaging import settle
from workers.rlhf.cast import Cast
from workers.rlhf.checkpoints import Training
from workers.rlhf.credit import CHECKED_AT
from workers.rlhf.data import BadDataError, Chat, Messages
from workers.rlhf.demonstrations import read_conversations, rows_of
from workers.rlhf.job import Job
from workers.rlhf.judged_prompts import write_judged
from workers.rlhf.language_configs import SftConfig
from workers.rlhf.mixing import Mix, mix_of
from workers.rlhf.policy_configs import Online, PpoConfig, Writing
from workers.rlhf.ranking_file import read_prompts
from workers.rlhf.rollout import Question, answer, judge, kl_to_reference
from workers.rlhf.rounds import Step
from workers.rlhf.sampling import text_of
from workers.rlhf.text_tokens import open_tokens, write_tokens

SHOWN_PROMPTS: Final = 8
VALUES: Final = "explained_variance"
# Updates whose explained variance is kept for the report.
LOOKED_AT: Final = (1, CHECKED_AT, 10)
DATA: Final = "data.jsonl"
TEXT: Final = "pretrain.txt"
DEMONSTRATIONS: Final = "demonstrations.jsonl"
TITLES: Final[Mapping[str, str]] = {
    "ppo": "Policy",
    "rloo": "Policy (RLOO)",
    "grpo": "Policy (GRPO)",
    "dpo": "Policy (DPO)",
    "best_of_n": "Policy (best of n)",
}


def launch_online(job: Job) -> None:
    """Improve a policy in rounds (PPO, RLOO, GRPO) and save its adapter (or its whole weights)."""
    config: Online = job.config
    job.step("loading", 0, config.updates)
    roles = cast.assemble(job.model("policy"), job.model("reward"), config, seed=job.seed)
    if roles.by_text:
        job.log("info", "The reward model has another tokenizer: it reads prompts and completions as text.")
    job.log("info", in_memory(roles))
    learn, show = questions(job, roles.policy.model.chat)
    training = ppo.training_of(roles, config) if isinstance(config, PpoConfig) else compare.training_of(roles, config)
    done = job.resumed(training)
    if not done:
        # With the numbers of the run, so that a resumed one still knows where it began.
        training.numbers["first"] = shown(job, roles, show, 0)
    job.step("training", done, config.updates)
    for step in steps_of(job, roles, learn, training, done):
        job.step("training", step.number, step.total)
        job.metric(step.number, step.metrics)
        look_at_values(job, step, training)
        ends = step.number == step.total
        due = config.checkpoint_every > 0 and step.number % config.checkpoint_every == 0 and not ends
        job.between_steps(step.number, training, due=due, last=ends, together=roles.team)
    settle(training)
    last = shown(job, roles, show, config.updates)
    report = {
        "first": training.numbers["first"],
        "last": last,
        "prompts": {"learnt": len(learn), "shown": len(show)},
    }
    if VALUES in training.numbers:
        report[VALUES] = training.numbers[VALUES]
    if roles.team.leads:
        save_policy(job, roles, last, report)
    roles.team.wait()


def in_memory(roles: Cast) -> str:
    """Which models are in memory, for whom, and how large they are; the optimizer's state comes on top."""
    named = {"policy": roles.policy, "reference": roles.reference, "reward": roles.reward, "critic": roles.critic}
    players: dict[int, list[str]] = {}
    sizes: dict[int, int] = {}
    for name, role in named.items():
        if role is not None:
            players.setdefault(id(role.model), []).append(name)
            sizes[id(role.model)] = sum(weight.nbytes for weight in role.model.causal.parameters())
    parts = [f"{sizes[key] / 1e9:.2f} GB for {', '.join(names)}" for key, names in players.items()]
    return f"Models in memory: {'; '.join(parts)}."


def look_at_values(job: Job, step: Step, training: Training) -> None:
    """Keep how much the values explained at a few updates for the report, and warn where it was nothing."""
    explained = step.metrics.get("val/explained_var")
    if explained is None or step.number not in LOOKED_AT:
        return
    kept = training.numbers.get(VALUES, {}) | {str(step.number): explained}
    # In the order in which a checkpoint would give them back, as below.
    training.numbers[VALUES] = dict(sorted(kept.items()))
    if step.number == CHECKED_AT and explained <= 0:
        job.log(
            "warning",
            f"At update {step.number} the values explain nothing of the returns ({explained:.2f}), so that they help "
            "no more than the prompt's other completions do. More prompts per update or value=apart help.",
        )


def steps_of(job: Job, roles: Cast, learn: Sequence[Question], training: Training, done: int) -> Iterator[Step]:
    """The recipe's steps."""
    config: Online = job.config
    mix = beside(job, roles)
    if isinstance(config, PpoConfig):
        return ppo.train(roles, learn, config, training, seed=job.seed, done=done, mix=mix)
    return compare.train(roles, learn, config, training, seed=job.seed, done=done, mix=mix)


def beside(job: Job, roles: Cast) -> Mix | None:
    """The text to mix in, if any is to be: `pretrain.txt`, else `demonstrations.jsonl` without what is held out.

    Raises:
        BadDataError: the run was given none.
    """
    config: Online = job.config
    if config.pretrain_weight == 0:
        return None
    chat, text, texts = roles.policy.model.chat, None, []
    if (job.folder / TEXT).is_file():
        if roles.team.leads:
            write_tokens(job.folder / TEXT, chat.tokenizer, job.folder / "text")
        roles.team.wait()
        text = open_tokens(job.folder / "text")
    elif (job.folder / DEMONSTRATIONS).is_file():
        reading = SftConfig(max_tokens=config.max_prompt_tokens + config.pretrain_tokens)
        said = read_conversations(job.folder / DEMONSTRATIONS)
        texts = rows_of([one for one in said if one.split not in reward_report.HELD_OUT], chat, reading).rows
    if text is None and not texts:
        raise BadDataError("pretrain_weight is above 0, but there is no text to mix in")
    return mix_of(roles.policy, config, seed=job.seed, text=text, texts=texts, team=roles.team)


def questions(job: Job, chat: Chat) -> tuple[list[Question], list[Question]]:
    """The prompts to learn on, and the few that are answered at the first and the last update for people to read.

    A prompt of another split than train is never learnt on; one that names none is.

    Raises:
        BadDataError: there is no prompt, or one that can't be read.
    """
    rows = list(read_prompts(job.folder / DATA))
    train = [row for row in rows if (row["split"] or "train") == "train"]
    if not train:
        raise BadDataError("there is no prompt to learn on")
    held_out = [row for row in rows if row["split"] in reward_report.HELD_OUT]
    learn, cut = asked_of(train, chat, job.config)
    if cut:
        job.log("warning", f"{cut} prompts were longer than max_prompt_tokens and lost their start.")
    show, _ = asked_of((held_out or train)[:SHOWN_PROMPTS], chat, job.config)
    return learn, show


def asked_of(rows: Sequence[Mapping[str, Any]], chat: Chat, config: Writing) -> tuple[list[Question], int]:
    """Rows of prompts as questions, and how many of them were too long and lost their start."""
    encoded = [(row, chat.prompt(row["messages"], config.max_prompt_tokens)) for row in rows]
    asked = [
        Question(row["prompt_id"], prompt.ids, row["messages"][-1]["content"], row["messages"])
        for row, prompt in encoded
    ]
    return asked, sum(prompt.cut > 0 for _, prompt in encoded)


def shown(job: Job, roles: Cast, show: list[Question], step: int) -> dict[str, float]:
    """Answer the prompts that people read, always with the same seeds, and tell score and distance of each answer."""
    answers = answer(roles, show, job.config, count=1, seed=(job.seed, -1))
    distances = kl_to_reference(roles, answers, job.config).tolist()
    scores = None if roles.reward is None else judge(roles, answers, job.config).tolist()
    for place, (question, done, kl) in enumerate(zip(show, answers.completions, distances, strict=True)):
        text = text_of(roles.policy.model.chat, done)
        entry = {"type": "sample", "step": step, "prompt": question.text, "completion": text}
        job.emit(entry | {"score": None if scores is None else scores[place], "kl": kl})
    deviation = sqrt(fmean((kl - fmean(distances)) ** 2 for kl in distances))
    tokens = sum(len(done.ids) for done in answers.completions)
    numbers = {} if scores is None else {"eval/scores": fmean(scores)}
    numbers |= {
        "eval/kl": fmean(distances),
        "eval/kl_standard_error": deviation / sqrt(len(distances)),
        "eval/kl_per_token": sum(distances) / tokens,
        "eval/tokens": tokens / len(distances),
    }
    job.metric(step, numbers)
    # In the order in which a checkpoint would give them back, so that a resumed run's report has the same bytes.
    return dict(sorted(numbers.items()))


def save_policy(
    job: Job,
    roles: Cast,
    metrics: Mapping[str, Any],
    report: Mapping[str, Any],
    *,
    judged: Sequence[Messages] = (),
) -> None:
    """Write the policy's artifact; `judged` are prompts whose judgments it learnt from itself."""
    judges = [job.model("reward")] if roles.reward is not None else []
    job.out.mkdir(parents=True, exist_ok=True)
    models.save_role(roles.policy, job.out)
    write_judged(job.out, judged, job.model("policy"), *judges)
    description = Description(
        kind="policy",
        base_sha256=roles.policy.model.base_sha256,
        adapter=roles.policy.adapter is not None,
        rewarded_by=rewards_behind(job.model("policy"), *judges),
        config=asdict(job.config),
        metrics=dict(metrics),
    )
    job.finish(description, card(TITLES[job.kind], description, report), report)


def card(title: str, description: Description, report: Mapping[str, Any]) -> str:
    """A model card: what it was made from, how, and what came out."""
    sections = {"Settings": description.config, "Metrics": description.metrics, "Report": report}
    lines = [f"# {title}", "", f"Made by Plackett on the base {description.base_sha256}."]
    for name, content in sections.items():
        lines += ["", f"## {name}", "", *(f"- {key}: {value}" for key, value in content.items())]
    return "\n".join([*lines, ""])
