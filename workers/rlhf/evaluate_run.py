"""An evaluation from its folder: read the prompts, let all models write, measure, have them judged, report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from workers.rlhf import evaluate, evaluation_report
from workers.rlhf.artifacts import Description, artifact_sha256, file_sha256, read_description, write_json
from workers.rlhf.cast import speak_alike
from workers.rlhf.data import BadDataError, Chat
from workers.rlhf.evaluate import Answers, Asked
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.evaluation_card import card
from workers.rlhf.evaluation_report import POLICY, REFERENCE, Evaluation, Reader
from workers.rlhf.flags import FLAGS, SECONDS_A_TEXT, flagged, read_flags
from workers.rlhf.job import Job
from workers.rlhf.judged_prompts import judged_behind
from workers.rlhf.models import Role
from workers.rlhf.ranking_file import read_prompts
from workers.rlhf.reward_report import HELD_OUT
from workers.rlhf.sampling import row_seed
from workers.rlhf.score import Cuts, load_judge

DATA: Final = "data.jsonl"
TEXT: Final = "pretrain.txt"
OWN_FLAGS: Final = "flags.txt"
REPORT: Final = "report.json"
COMPLETIONS: Final = "completions.jsonl"
# The roles that judge; `proxy` is what the policy was trained against.
JUDGES: Final = ("judge", "proxy")


def launch_evaluate(job: Job) -> None:
    """Compare the policy with its reference and any others, and leave a report, a card and all completions."""
    writers = {role: path for role, path in job.models.items() if role not in JUDGES}
    config = job.config = as_trained(job.config, job.model(POLICY))
    flags = flags_of(job)
    job.step("loading", 0, len(writers))
    roles = evaluate.load_writers(writers)
    job.phases = phases(job, list(roles))
    asked = {name: held_out(job, name, role.model.chat) for name, role in roles.items()}
    writings = {name: written(job, name, role, asked[name]) for name, role in roles.items()}
    for role in roles:
        measured(job, role, roles, asked[role], writings[role])
    losses = forgotten(job, roles)
    readers = [
        standing(role, job.models[role], writers, None if job.shared is None else job.shared.get(role, {}))
        for role in JUDGES
        if role in job.models
    ]
    cuts = judged(job, readers, asked[POLICY], writings)
    found = Evaluation(
        config=config,
        asked=asked[POLICY],
        writings=writings,
        readers=readers,
        flags=raised(job, flags, writings),
        losses=losses,
        cuts=cuts,
    )
    told = evaluation_report.report(found)
    save(job, told | lineage(job), asked[POLICY], writings)


def phases(job: Job, writers: Sequence[str]) -> list[str]:
    """What is done one after the other, as it is told."""
    measured = [f"measuring {name}" for name in writers if REFERENCE in writers and name != REFERENCE]
    read = ["reading"] if (job.folder / TEXT).is_file() else []
    judged = ["judging"] if set(JUDGES) & set(job.models) else []
    return [*(f"writing {name}" for name in writers), *measured, *read, *judged]


def as_trained(config: EvaluateConfig, policy: Path) -> EvaluateConfig:
    """The settings with the stop strings that the policy was trained with, where they name none.

    Without them a policy that learnt to end by such a string would be judged by what it writes behind its end.
    """
    if config.stop_strings:
        return config
    return replace(config, stop_strings=str(read_description(policy).config.get("stop_strings") or ""))


def flags_of(job: Job) -> dict[str, str]:
    """What completions are flagged for: the file's patterns if there is a file, else ours; and the settings' own.

    Raises:
        BadDataError: an entry of the file, or of the settings, is no flag.
    """
    path = job.folder / OWN_FLAGS
    try:
        listed = read_flags(path.read_text(encoding="utf-8")) if path.is_file() else dict(FLAGS)
        return listed | read_flags(job.config.flags)
    except ValueError as error:
        raise BadDataError(f"flags: {error}") from error


def held_out(job: Job, name: str, chat: Chat) -> list[Asked]:
    """The prompts, as the model of that name reads them; those of the train split are left out.

    Raises:
        BadDataError: none is left, or a line is no prompt.
    """
    config: EvaluateConfig = job.config
    kept = [row for row in read_prompts(job.folder / DATA) if row["split"] in {"", *HELD_OUT}][: config.prompts]
    if not kept:
        raise BadDataError("there is no held-out prompt to answer")
    encoded = [(row, chat.prompt(row["messages"], config.max_prompt_tokens)) for row in kept]
    asked = [Asked(row["prompt_id"], row["messages"], prompt.ids) for row, prompt in encoded]
    cut = sum(prompt.cut > 0 for _, prompt in encoded)
    if cut:
        job.log("warning", f"{cut} prompts are longer than max_prompt_tokens: {name} read them without their start.")
    return asked


def written(job: Job, name: str, role: Role, asked: list[Asked]) -> Answers:
    """One model's completions. Each model draws its own random numbers: else equal ones would never differ."""
    answers: Answers = []
    for groups in evaluate.write(role, asked, job.config, seed=row_seed(job.seed, name)):
        answers += groups
        job.step(f"writing {name}", len(answers), len(asked))
        job.rest_if_asked()
    return answers


def measured(job: Job, name: str, roles: Mapping[str, Role], asked: list[Asked], answers: Answers) -> None:
    """Write every completion's distance from the reference down, where there is one to measure from."""
    if REFERENCE not in roles or name == REFERENCE:
        return
    if not speak_alike(roles[name].model.chat, roles[REFERENCE].model.chat):
        job.log("warning", f"{name} has another vocabulary than the reference, so there is no KL between them.")
        return
    for done in evaluate.measure(roles[name], roles[REFERENCE], asked, answers, job.config):
        job.step(f"measuring {name}", done, len(asked))
        job.rest_if_asked()


def forgotten(job: Job, roles: Mapping[str, Role]) -> dict[str, dict[str, tuple[float, int]]]:
    """Nats a token of the held-out text by model, if the run was given one; only where tokens are the same."""
    path = job.folder / TEXT
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    losses: dict[str, tuple[float, int]] = {}
    for name, role in roles.items():
        job.step("reading", len(losses), len(roles))
        if REFERENCE in roles and not speak_alike(role.model.chat, roles[REFERENCE].model.chat):
            job.log(
                "warning", f"{name} has another vocabulary than the reference: their perplexities can't be compared."
            )
            continue
        found = evaluate.perplexity_loss(role, text, job.config.text_tokens)
        if found is None:
            raise BadDataError("the held-out text is empty")
        losses[name] = found
    return {path.name: losses}


def judged(job: Job, readers: list[Reader], asked: list[Asked], writings: Mapping[str, Answers]) -> dict[str, Cuts]:
    """Let the judges score all completions; what each of them did not read whole."""
    judges = {reader.name: load_judge(job.models[reader.name]) for reader in readers}
    for done in evaluate.judge(judges, asked, list(writings.values())) if judges else ():
        job.step("judging", done, len(asked))
        job.rest_if_asked()
    for name, judge in judges.items():
        if (told := judge.cuts.told(name)) is not None:
            job.log("warning", told)
    return {name: judge.cuts for name, judge in judges.items()}


def raised(job: Job, flags: Mapping[str, str], writings: Mapping[str, Answers]) -> dict[str, dict[str, list[int]]]:
    """The places of the completions that each flag is about, by model and flag.

    A flag that takes too long with one model is left out for all of them, or they could not be compared.
    """
    texts = {name: [one.text for group in answers for one in group] for name, answers in writings.items()}
    found: dict[str, dict[str, list[int]]] = {name: {} for name in texts}
    for flag, pattern in flags.items():
        places = {name: flagged(said, {flag: pattern})[flag] for name, said in texts.items()}
        if None in places.values():
            job.log(
                "warning",
                f"The flag {flag} took more than {SECONDS_A_TEXT:g} s of one completion and is left out: simplify it.",
            )
            continue
        for name, about in places.items():
            found[name][flag] = about or []
    return found


def standing(
    name: str, judge: Path, writers: Mapping[str, Path], shared: Mapping[str, int | None] | None = None
) -> Reader:
    """Whether a reward model may judge these models: not where it, or what it learnt from, had a hand in one of them.

    `shared` is how many judgments it has in common with each, for whoever knows that (None: unknown); without it the
    artifacts have to tell. What can't be shown to be independent is a proxy.
    """
    sha256 = artifact_sha256(judge)
    why = next(objections(name, judge, writers, shared), None)
    if why is not None:
        return Reader(name, sha256, "proxy", why)
    return Reader(name, sha256, "judge", "no model here was trained or chosen with it, or by a judgment behind it")


def objections(
    name: str, judge: Path, writers: Mapping[str, Path], shared: Mapping[str, int | None] | None
) -> Iterator[str]:
    """Why a reward model may not judge these models."""
    sha256 = artifact_sha256(judge)
    for role, folder in writers.items():
        description = read_description(folder)
        if description.rewarded_by is None and description.kind == "policy":
            yield f"nobody wrote down what {role} was trained against"
        if sha256 in (description.rewarded_by or ()):
            yield f"{role} was trained or chosen with it"
    if name == "proxy":
        yield "it was given as the model that was trained against"
    for role, folder in writers.items():
        why = in_common(judge, role, folder) if shared is None else told_of(role, shared.get(role))
        if why is not None:
            yield why


def told_of(role: str, count: int | None) -> str | None:
    """The objection to so many judgments in common with a model."""
    if count is None:
        return f"it is not known whether it learnt from judgments behind {role}"
    return f"trained on {count} of the judgments behind {role}" if count else None


def in_common(judge: Path, role: str, folder: Path) -> str | None:
    """The objection to what artifacts say of the judgments behind judge and model; disjoint prompts share none."""
    behind = judged_behind(folder)
    if behind is not None and not behind:
        return None
    learnt = judged_behind(judge)
    if behind is None or learnt is None:
        return told_of(role, None)
    count = len(learnt & behind)
    return f"trained on judgments of {count} of the prompts whose judgments are behind {role}" if count else None


def lineage(job: Job) -> dict[str, Any]:
    """What has to be known to do the same again."""
    return {
        "lineage": {
            "models": {role: artifact_sha256(path) for role, path in job.models.items()},
            "data_sha256": file_sha256(job.folder / DATA),
            "seed": job.seed,
            "config": asdict(job.config),
        }
    }


def save(job: Job, told: dict[str, Any], asked: list[Asked], writings: Mapping[str, Answers]) -> None:
    """Write the evaluation's artifact and tell of the samples."""
    job.out.mkdir(parents=True, exist_ok=True)
    with (job.out / COMPLETIONS).open("w", encoding="utf-8") as file:
        for row in rows(asked, writings):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    metrics = evaluation_report.headline(told)
    job.metric(1, metrics)
    for row in told["samples"]:
        for name, one in row["completions"].items():
            told_of = {"type": "sample", "step": 1, "prompt": row["prompt"], "completion": one["text"], "model": name}
            job.emit(told_of | {"score": next(iter(one["scores"].values()), None), "kl": one["kl"]})
    write_json(job.out / REPORT, told)
    job.finish(Description(kind="evaluation", config=asdict(job.config), metrics=metrics), card(told), told)


def rows(asked: list[Asked], writings: Mapping[str, Answers]) -> list[dict[str, Any]]:
    """Every completion with what was found out about it, one a line."""
    return [
        {
            "prompt_id": one.prompt_id,
            "model": name,
            "sample_index": index,
            "text": said.text,
            "tokens": said.tokens,
            "stopped": said.completion.ended,
            "kl": said.kl,
            "scores": said.scores,
        }
        for name, answers in writings.items()
        for one, group in zip(asked, answers, strict=True)
        for index, said in enumerate(group)
    ]
