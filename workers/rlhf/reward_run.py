"""A reward run from its folder: look at the data, train, judge, save."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from workers.rlhf import annotators, models, preflight, reward, reward_report
from workers.rlhf.artifacts import BadArtifactError, Description, artifact_sha256, read_description, write_json
from workers.rlhf.beside_live import against_live
from workers.rlhf.course import Course
from workers.rlhf.data import BadDataError
from workers.rlhf.groups import prompt_text, with_splits
from workers.rlhf.heads import save_head
from workers.rlhf.job import Job
from workers.rlhf.judged_prompts import write_judged
from workers.rlhf.models import LanguageModel
from workers.rlhf.orders import MOST_COMPLETIONS
from workers.rlhf.pairs import RankedPrompt
from workers.rlhf.preflight import Preflight
from workers.rlhf.ranking_file import RankingFile, read_rankings
from workers.rlhf.reward import Reader, RewardModel
from workers.rlhf.reward_card import card
from workers.rlhf.reward_configs import RewardConfig

REPORT: Final = "report.json"
REFERENCE: Final = "reference.jsonl"
NO_CLASSIFIER: Final = (
    "The score is the mean over a completion's tokens. A sequence classifier of transformers reads one token, so this "
    "model can't be exported as one; Plackett reads it everywhere."
)


def launch_reward(job: Job) -> None:
    """Train a reward model and save its adapter (or its whole weights) with the score head."""
    config: RewardConfig = job.config
    check_config(config)
    if config.read == "mean":
        job.log("info", NO_CLASSIFIER)
    file = read_rankings(job.folder / "data.jsonl")
    if not file.prompts:
        because = f": line {file.bad[0].line}: {file.bad[0].reason}" if file.bad else ""
        raise BadDataError(f"there is no comparison to learn from{because}")
    job.step("loading", 0, 1)
    folder = job.model("base")
    behind = read_description(folder).adapter
    looked = look(job, file, models.load_chat(folder / models.BASE if behind else folder))
    learnt_from = [prompt for prompt in looked.prompts if prompt.split not in reward_report.HELD_OUT]
    course = Course.of(learnt_from, config, seed=job.seed)
    trained = RewardModel(
        behind_virtual_tokens(folder, config) if behind else models.load_base(folder, full=config.method == "full"),
        config,
        tie_rate=tie_rate(learnt_from),
        seed=job.seed,
        annotators=annotators.names_of(course.prompts),
    )
    reader = Reader(trained.language_model, config)
    done = train(job, trained, reader, course)
    job.step("judging", done, done)
    metrics, report = reward_report.settle(trained, reader, looked.prompts, config, reference_of(job, looked.prompts))
    # What the training steps have told under the same name stays theirs.
    job.metric(done, {name: value for name, value in metrics.items() if not name.endswith("/train")})
    report |= {"steps": done, "length_correlation": metrics["length_correlation"]}
    compared = against_live(job, trained)
    if compared is not None:
        report["gate"] = compared
    job.out.mkdir(parents=True, exist_ok=True)
    write_judged(job.out, [prompt.messages for prompt in looked.prompts], folder)
    save(job, trained, metrics, report | background(job, trained, course, looked) | lineage(job, trained, file))


def behind_virtual_tokens(folder: Path, config: RewardConfig) -> LanguageModel:
    """The base of a model that was tuned by virtual tokens, with these before every text; they learn no more.

    Raises:
        BadArtifactError: the folder is LoRA on a base, or every weight is to be trained.
    """
    if config.method == "full":
        raise BadArtifactError("virtual tokens are no weights that full training could start from: use lora")
    model = models.load_base(folder / models.BASE)
    models.put_saved_before(model, folder, reward.ADAPTER)
    model.virtual[reward.ADAPTER].requires_grad_(requires_grad=False)
    return model


def background(job: Job, trained: RewardModel, course: Course, looked: Preflight) -> dict[str, Any]:
    """What was found out about data and people on the way."""
    return {
        "cut_tokens": looked.report["truncated"]["tokens"],
        "exposures": reward_report.exposures(course, seed=job.seed),
        "people": reward_report.people(trained, course),
        "preflight": looked.report,
        "warnings": looked.warnings,
    }


def reference_of(job: Job, prompts: Sequence[RankedPrompt]) -> list[RankedPrompt]:
    """Prompts with completions on which the scale is anchored, if the run was given some; none that it learnt from."""
    path = job.folder / REFERENCE
    if not path.is_file():
        return []
    learnt = {prompt_text(prompt) for prompt in prompts if prompt.split not in reward_report.HELD_OUT}
    file = read_rankings(path, judged=False)
    for row in file.bad:
        job.log("warning", f"Left out line {row.line} of the reference prompts: {row.reason}")
    kept = [prompt for prompt in file.prompts if prompt_text(prompt) not in learnt]
    if len(kept) < len(file.prompts):
        job.log("warning", f"{len(file.prompts) - len(kept)} reference prompts were trained on and are left out.")
    return kept


def check_config(config: RewardConfig) -> None:
    """Refuse settings that contradict each other.

    Raises:
        ValueError: the message starts with the name of a field.
    """
    if config.overlap == "majority" and config.likelihood != "pairs":
        raise ValueError(f"overlap: a majority is of pairs; {config.likelihood} reads whole rankings, so use soft")
    if config.overlap == "majority" and config.annotators != "equal":
        raise ValueError(f"overlap: a majority has no annotators to give {config.annotators} to, so use soft")


def look(job: Job, file: RankingFile, chat: Any) -> Preflight:
    """Give prompts a split where the data names none, check everything, and tell what was found.

    Raises:
        BadDataError: nothing is left to learn from.
    """
    config: RewardConfig = job.config
    file.prompts = with_splits(file.prompts, config.held_out, seed=job.seed)
    looked = preflight.check(file, chat, config)
    job.log("info", looked.summary)
    for text in looked.warnings:
        job.log("warning", text)
    if not looked.prompts:
        raise BadDataError("there is no comparison to learn from")
    longest = max(len(prompt.texts) for prompt in looked.prompts)
    if config.likelihood == "davidson_luce" and longest > MOST_COMPLETIONS:
        raise ValueError(f"likelihood: davidson_luce reads {MOST_COMPLETIONS} completions at most, not {longest}")
    return looked


def train(job: Job, trained: RewardModel, reader: Reader, course: Course) -> int:
    """Train from the newest checkpoint, if there is one, to the end; the number of steps done in all."""
    config: RewardConfig = job.config
    training = reward.training_of(trained, config)
    done = job.resumed(training)
    job.step("training", done, sum(1 for _ in reward.batches(course.prompts, config, job.seed)))
    for step in reward.train(trained, reader, course, training, seed=job.seed, done=done):
        job.step("training", step.number, step.total)
        job.metric(step.number, step.metrics)
        due = config.checkpoint_every > 0 and step.number % config.checkpoint_every == 0
        job.between_steps(step.number, training, due=due, last=step.number == step.total)
        done = step.number
    if done == 0:
        job.log("warning", "No training prompt has a decided comparison, so the scores mean nothing yet.")
    return done


def tie_rate(prompts: list[RankedPrompt]) -> float:
    """Share of the training pairs that are ties."""
    ties = [pair.tie for prompt in prompts for pair in prompt.pairs]
    return fmean(ties) if ties else 0.0


def lineage(job: Job, trained: RewardModel, file: RankingFile) -> dict[str, Any]:
    """What has to be known to make the same model again."""
    return {
        "lineage": {
            "base_sha256": trained.language_model.base_sha256,
            "behind_sha256": artifact_sha256(job.model("base")) if trained.language_model.virtual else None,
            "data_sha256": file.sha256,
            "seed": job.seed,
            "config": asdict(job.config),
            "prefix": trained.language_model.form,
            "version": installed("plackett"),
            "torch": installed("torch"),
            "transformers": installed("transformers"),
        }
    }


def installed(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "from source"


def save(job: Job, trained: RewardModel, metrics: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Write the reward model's artifact."""
    job.out.mkdir(parents=True, exist_ok=True)
    model, adapter = trained.language_model, trained.role.adapter
    save_head(trained.head, job.out)
    models.save_role(models.Role(model, adapter), job.out)
    description = Description(
        kind="reward",
        base_sha256=model.base_sha256,
        adapter=adapter is not None,
        config=asdict(job.config),
        metrics=dict(metrics),
    )
    write_json(job.out / REPORT, dict(report))
    job.finish(description, card(report, metrics), report)
