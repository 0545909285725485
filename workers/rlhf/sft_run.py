"""Run the fine-tuning recipe from its folder: read the demonstrations, teach, leave a model that later stages load."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from workers.rlhf import models, sft
from workers.rlhf.artifacts import BadArtifactError, Description, file_sha256, read_description, rewards_behind
from workers.rlhf.data import BadDataError, Chat
from workers.rlhf.demonstrations import Conversation, Reading, held_out_or_not, read_conversations, rows_of
from workers.rlhf.job import Job
from workers.rlhf.judged_prompts import write_judged
from workers.rlhf.language_configs import SftConfig
from workers.rlhf.merging import merged
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.next_token import pupil
from workers.rlhf.processes import Team, team
from workers.rlhf.score import Judge, load_judge
from workers.rlhf.teaching import Lesson, Shown, teach
from workers.rlhf.text_tokens import TextTokens, open_tokens, write_tokens

DATA: Final = "data.jsonl"
TEXT: Final = "pretrain.txt"
# Prompts whose answers a reward model judges at each look.
JUDGED: Final = 32


def launch_sft(job: Job) -> None:
    """Fine-tune a base and save whole weights (LoRA merged in fp32), or virtual tokens as an adapter."""
    config: SftConfig = job.config
    together = team()
    job.step("loading", 0, 1)
    learnt_from, held_out = held_out_or_not(read_conversations(job.folder / DATA), config.validation_share)
    folder = job.model("base")
    if read_description(folder).adapter:
        raise BadArtifactError("fine-tuning starts from whole weights, not from an adapter")
    model = models.load_base(folder, full=config.method == "full")
    config = fitting(job, model)
    reading, held = rows_of(learnt_from, model.chat, config), rows_of(held_out, model.chat, config)
    if not reading.rows:
        raise BadDataError("there is no demonstration to learn from")
    tell_losses(job, reading, held)
    role = sft.role_of(model, config, reading.rows, seed=job.seed)
    reader = pupil(
        role,
        tokens_per_forward=config.tokens_per_forward,
        packed=config.batching == "packed",
        team=together,
        layers_twice=config.gradient_checkpointing == "on",
    )
    plan = sft.plan_of(reading.rows, config, seed=job.seed, text=pretraining_text(job, model, together))
    training = sft.training_of(role, sft.rate_of(config), config.weight_decay)
    shown = shown_prompts(held_out or learnt_from, model.chat, config)
    judge = judge_of(job)
    metrics = teach(Lesson(job, reader, plan, training, held.rows, shown, judge=judge))
    if judge is not None and (told := judge.cuts.told("The reward model")) is not None:
        job.log("warning", told)
    if together.leads:
        save(job, role, metrics, report_of(job, reading, held, learnt_from, held_out))
    together.wait()


def fitting(job: Job, model: LanguageModel) -> SftConfig:
    """The settings with texts no longer than the model has positions for, behind its virtual tokens if any."""
    config: SftConfig = job.config
    virtual = config.virtual_tokens if config.method in sft.METHODS_WITH_VIRTUAL_TOKENS else 0
    room = model.longest - virtual
    if config.max_tokens <= room:
        return config
    job.log("warning", f"This model has positions for {model.longest} tokens: max_tokens is {room}.")
    return replace(config, max_tokens=room)


def tell_losses(job: Job, reading: Reading, held: Reading) -> None:
    """Say what of the data could not be used as it is."""
    told = {
        "last answers were longer than max_completion_tokens: cut, without a stop token": reading.cut_completions,
        "texts were longer than max_tokens and lost their start": reading.cut_texts,
        "conversations are learnt turn by turn, because the model's template rewrites earlier turns": (
            reading.split_conversations
        ),
    }
    for text, count in told.items():
        if count:
            job.log("warning", f"{count} {text}.")
    if not held.rows:
        job.log("info", "Nothing is held out, so no loss can tell which weights are best.")


def pretraining_text(job: Job, model: LanguageModel, together: Team) -> TextTokens | None:
    """The tokens of the text that is mixed in, if any is.

    Raises:
        BadDataError: a share is asked for, but the run was given no text.
    """
    if job.config.pretrain_share == 0:
        return None
    if not (job.folder / TEXT).is_file():
        raise BadDataError("pretrain_share is above 0, but there is no pretraining text")
    if together.leads:
        write_tokens(job.folder / TEXT, model.chat.tokenizer, job.folder / "text")
    together.wait()
    return open_tokens(job.folder / "text")


def judge_of(job: Job) -> Judge | None:
    """The reward model that judges answers, if the run was given one.

    Raises:
        BadArtifactError: it is no reward model, or one is needed and was not given.
    """
    if "reward" in job.models:
        return load_judge(job.model("reward"))
    if job.config.keep == "reward":
        raise BadArtifactError("keep is reward, but the run was given no reward model")
    return None


def shown_prompts(conversations: Sequence[Conversation], chat: Chat, config: SftConfig) -> list[Shown]:
    """The prompts that are answered at each look, each once: some to read and, where answers are judged, more."""
    by_group = {entry.group: entry for entry in conversations}
    count = max(config.samples_to_read, JUDGED) if config.keep == "reward" else config.samples_to_read
    return [
        Shown(chat.prompt(entry.asked, config.max_tokens - 1).ids, entry.asked[-1]["content"], entry.asked)
        for entry in list(by_group.values())[:count]
    ]


def report_of(
    job: Job,
    reading: Reading,
    held: Reading,
    learnt_from: Sequence[Conversation],
    held_out: Sequence[Conversation],
) -> dict[str, Any]:
    """What the model was made from."""
    return {
        "conversations": {"learnt": len(learnt_from), "held_out": len(held_out)},
        "tokens": {"learnt": _targets(reading), "held_out": _targets(held)},
        "cut": {"completions": reading.cut_completions, "texts": reading.cut_texts},
        "data_sha256": file_sha256(job.folder / DATA),
        "seed": job.seed,
    }


def save(job: Job, role: Role, metrics: Mapping[str, float], report: Mapping[str, Any]) -> None:
    """Write the artifact: an adapter only where it is virtual tokens, which no weights can hold."""
    job.out.mkdir(parents=True, exist_ok=True)
    model = role.model
    virtual = role.adapter in model.virtual
    if role.adapter is not None and virtual:
        models.save_adapter(model, role.adapter, job.out)
    else:
        whole = model if role.adapter is None else merged(model, role.adapter, job.model("base"))
        models.save_whole(whole, job.out)
        models.save_tokenizer(whole, job.out)
    # Weights that a reward model chose are not for it to judge later.
    chosen_by = [job.model("reward")] if job.config.keep == "reward" else []
    write_judged(job.out, [], job.model("base"), *chosen_by)
    description = Description(
        kind="sft",
        base_sha256=model.base_sha256,
        adapter=virtual,
        rewarded_by=rewards_behind(job.model("base"), *chosen_by),
        config=asdict(job.config),
        metrics=dict(metrics),
    )
    job.finish(description, card(description, report), report)


def card(description: Description, report: Mapping[str, Any]) -> str:
    """The model card: lineage, settings, numbers, data."""
    how = {
        "lora": "LoRA adapters, merged into a copy of the base in fp32",
        "full": "all weights",
        "p_tuning": "virtual tokens before the prompt (P-tuning v1), to be loaded beside the base",
        "prefix": "keys and values of virtual tokens in every layer (P-tuning v2), to be loaded beside the base",
    }[description.config["method"]]
    lines = ["# Fine-tuned model", "", "Made by Plackett from demonstrations: the model before reward and policy.", ""]
    lines += ["## Lineage", "", f"- base: {description.base_sha256}", f"- trained: {how}"]
    lines += [f"- {name}: {value}" for name, value in report.items()]
    for name, content in (("Settings", description.config), ("Metrics", description.metrics)):
        lines += ["", f"## {name}", "", *(f"- {key}: {value}" for key, value in content.items())]
    return "\n".join([*lines, ""])


def _targets(reading: Reading) -> int:
    return sum(row.targets for row in reading.rows)
