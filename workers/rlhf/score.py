"""Score completions with a reward model, or with several: lines in, lines with scores out.

A line is one of a ranking file (`prompt` or `messages`, and `completions`), which gets `scores`, or has `messages` (or
`prompt`) and one `completion`, which gets `score`. Where several heads or models are asked, `scores` are their means
and `spread` is the SD of their scores around the prompt's mean: it tells how sure the order of the completions is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from workers.rlhf import models
from workers.rlhf.artifacts import BadArtifactError, read_description
from workers.rlhf.data import BadDataError
from workers.rlhf.forms import choose
from workers.rlhf.heads import ScoreHead, load_head, spread
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.prefix import dialogues
from workers.rlhf.ranking_file import BadRowError, messages_of
from workers.rlhf.reward import ADAPTER

# A prompt or completion that is longer keeps as much as this.
LONGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Judge:
    """A loaded reward model."""

    model: LanguageModel
    role: Role
    head: ScoreHead

    @torch.no_grad()
    def members(self, messages: Sequence[dict[str, str]], texts: Sequence[str]) -> Tensor:
        """Scores [N, H] of completions of one prompt by every head, in within-prompt SDs."""
        chat = self.model.chat
        prompt = chat.prompt(messages, LONGEST)
        replies = [chat.completion(text, LONGEST).ids for text in texts]
        batch = self.model.lower(dialogues([prompt.ids], [replies], chat.pad_id))
        last_Nd = self.role.states(batch).last(batch.reply_mask_NR)
        return self.head.members(last_Nd).cpu()


def load_judge(folder: Path) -> Judge:
    """Load a reward artifact.

    Raises:
        BadArtifactError: it is none.
    """
    description = read_description(folder)
    if description.kind != "reward":
        raise BadArtifactError(f"{folder.name}: is a {description.kind} model, not a reward model")
    model = models.load_model(folder, ADAPTER)
    model.form = choose(model.backbone)
    model.cut()
    return Judge(model, Role(model, ADAPTER if description.adapter else None), load_head(folder, model))


def scored_lines(judges: Sequence[Judge], rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every line with its scores.

    Raises:
        BadDataError: a line has no prompt, or neither completions nor a completion; the message names the line.
    """
    for number, row in enumerate(rows, start=1):
        try:
            yield row | scored(judges, row)
        except BadDataError as error:
            raise BadDataError(f"line {number}: {error}") from error


def scored(judges: Sequence[Judge], row: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of one line's completions."""
    texts, alone = texts_of(row)
    messages = messages_of(row, str(row.get("prompt_id", row.get("id", ""))))
    score_NH = torch.cat([judge.members(messages, texts) for judge in judges], dim=1)
    mean_N = score_NH.mean(dim=1)
    said: dict[str, Any] = {"score": float(mean_N[0])} if alone else {"scores": mean_N.tolist()}
    if score_NH.size(1) > 1 and not alone:
        said["spread"] = spread(score_NH).tolist()
    return said


def texts_of(row: Mapping[str, Any]) -> tuple[list[str], bool]:
    """A line's completions, and whether it is about one alone.

    Raises:
        BadRowError: there are none.
    """
    if isinstance(row.get("completion"), str):
        return [row["completion"]], True
    completions = row.get("completions")
    if not isinstance(completions, list) or not completions:
        raise BadRowError("needs completions, or a completion")
    said = [entry.get("text") if isinstance(entry, dict) else entry for entry in completions]
    texts = [text for text in said if isinstance(text, str)]
    if len(texts) < len(said):
        raise BadRowError("each completion needs a text")
    return texts, False
