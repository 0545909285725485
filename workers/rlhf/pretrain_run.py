"""Run the pretraining recipe from its folder: tokenise, build or load, teach, leave a base that every stage loads."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, Final

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from workers.rlhf import models, pretrain, sft
from workers.rlhf.artifacts import BadArtifactError, Description, file_sha256, read_description
from workers.rlhf.bpe import train_tokenizer
from workers.rlhf.data import BadDataError, chat_of
from workers.rlhf.job import Job
from workers.rlhf.language_configs import PretrainConfig
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.next_token import pupil
from workers.rlhf.packing import Row
from workers.rlhf.processes import team
from workers.rlhf.teaching import Lesson, Shown, teach
from workers.rlhf.text_tokens import TextTokens, documents, open_tokens, write_tokens

# The names under which a text may lie in a run's folder: plain, or one document a line.
TEXTS: Final = ("data.txt", "data.jsonl", "data.txt.gz", "data.jsonl.gz")
TOKENIZER: Final = "tokenizer"
TOKENS: Final = "text"
BEGINNING: Final = 16


def launch_pretrain(job: Job) -> None:
    """Train on raw text, from a base where one is given, and save whole weights."""
    config: PretrainConfig = job.config
    together = team()
    job.step("tokenising", 0, 1)
    source = source_of(job)
    if together.leads:
        prepare(job, source)
    together.wait()
    model = model_of(job)
    text = open_tokens(job.folder / TOKENS)
    learnt = math.ceil(len(text.ids) * (1 - config.validation_share))
    held_out = pretrain.held_out_windows(text, learnt, config)
    if learnt < 2:
        raise BadDataError(f"{source.name} has only {len(text.ids)} tokens")
    role = Role(model, None)
    reader = pupil(
        role,
        tokens_per_forward=config.tokens_per_forward,
        packed=False,
        team=together,
        layers_twice=config.gradient_checkpointing == "on",
        dropout=config.dropout > 0,
    )
    rate = config.continued_learning_rate if "base" in job.models else config.learning_rate
    training = sft.training_of(role, rate, config.weight_decay)
    plan = pretrain.Windows(text, learnt, config, job.seed)
    shown = list(shown_beginnings(model, held_out, config))
    lesson = Lesson(job, reader, plan, training, held_out, shown, bytes_per_token(model, held_out))
    metrics = teach(lesson)
    if together.leads:
        report = report_of(job, model, text, learnt) | {"data_sha256": file_sha256(source)}
        save(job, model, metrics | {"parameters": float(parameters(model))}, report)
    together.wait()


def source_of(job: Job) -> Path:
    """The run's text.

    Raises:
        BadDataError: there is none.
    """
    for name in TEXTS:
        if (job.folder / name).is_file():
            return job.folder / name
    raise BadDataError(f"there is no text: none of {', '.join(TEXTS)}")


def prepare(job: Job, source: Path) -> None:
    """Train the tokenizer if no base brings one, and tokenise the text, unless an earlier attempt has."""
    if "base" not in job.models and not (job.folder / TOKENIZER).is_dir():
        texts = chain.from_iterable(documents(source))
        aside = job.folder / f".{TOKENIZER}"
        train_tokenizer(texts, job.config.vocabulary).save_pretrained(aside)
        aside.rename(job.folder / TOKENIZER)
    if not (job.folder / TOKENS / "tokens.json").is_file():
        write_tokens(source, tokenizer_of(job), job.folder / TOKENS)


def tokenizer_of(job: Job) -> PreTrainedTokenizerBase:
    """The base's tokenizer, or the one that was trained on the text."""
    folder = job.model("base") if "base" in job.models else job.folder / TOKENIZER
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        folder, trust_remote_code=False, local_files_only=True
    )
    return tokenizer


def model_of(job: Job) -> LanguageModel:
    """The base, or an untrained model of the preset.

    Raises:
        BadArtifactError: the base is an adapter.
        ValueError: the base can't read so long a context.
    """
    config: PretrainConfig = job.config
    if "base" not in job.models:
        tokenizer = tokenizer_of(job)
        with models.fresh_seed(job.seed):
            causal: Any = pretrain.untrained(config, tokenizer)
        return LanguageModel(causal.to(models.main_device()), chat_of(tokenizer), "")
    folder = job.model("base")
    if read_description(folder).adapter:
        raise BadArtifactError("pretraining goes on from whole weights, not from an adapter")
    model = models.load_base(folder, full=True)
    longest = int(getattr(model.causal.config, "max_position_embeddings", config.context))
    if config.context > longest:
        raise ValueError(f"context: this base reads at most {longest} tokens")
    pretrain.set_dropout(model.causal, config.dropout)
    return model


def bytes_per_token(model: LanguageModel, rows: list[Row]) -> float | None:
    """How much text a held-out token stands for, so that losses of different tokenizers can be compared."""
    ids = [token for row in rows for token in row.ids[1:]]
    return len(str(model.chat.tokenizer.decode(ids)).encode()) / len(ids) if ids else None


def shown_beginnings(model: LanguageModel, rows: list[Row], config: PretrainConfig) -> Iterator[Shown]:
    """A few beginnings of held-out text, short enough to leave room for what the model writes."""
    length = min(BEGINNING, config.context // 2)
    for ids in pretrain.beginnings(rows, config.samples_to_read, length):
        yield Shown(ids, str(model.chat.tokenizer.decode(ids)))


def parameters(model: LanguageModel) -> int:
    """How many weights there are; shared ones count once."""
    return sum(weight.numel() for weight in model.causal.parameters())


def report_of(job: Job, model: LanguageModel, text: TextTokens, learnt: int) -> dict[str, Any]:
    """What the model was made from."""
    return {
        "text": {"bytes": text.text_bytes, "tokens": len(text.ids), "learnt": learnt},
        "vocabulary": len(model.chat.tokenizer),
        "architecture": type(model.causal).__name__,
        "seed": job.seed,
    }


def save(job: Job, model: LanguageModel, metrics: Mapping[str, float], report: Mapping[str, Any]) -> None:
    """Write the artifact: a base."""
    job.out.mkdir(parents=True, exist_ok=True)
    models.save_whole(model, job.out)
    models.save_tokenizer(model, job.out)
    description = Description(
        kind="base", base_sha256=model.base_sha256 or None, config=asdict(job.config), metrics=dict(metrics)
    )
    job.finish(description, card(description, report), report)


def card(description: Description, report: Mapping[str, Any]) -> str:
    """The model card: lineage, settings, numbers, text."""
    before = f"goes on from {description.base_sha256}" if description.base_sha256 else "from random weights"
    lines = ["# Base model", "", "Pretrained by Plackett on raw text.", "", "## Lineage", "", f"- start: {before}"]
    lines += [f"- {name}: {value}" for name, value in report.items()]
    for name, content in (("Settings", description.config), ("Metrics", description.metrics)):
        lines += ["", f"## {name}", "", *(f"- {key}: {value}" for key, value in content.items())]
    return "\n".join([*lines, ""])
