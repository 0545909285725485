"""Score completions with a reward model, or with several: lines in, lines with scores out.

A line is one of a ranking file (`prompt` or `messages`, and `completions`), which gets `scores`, or has `messages` (or
`prompt`) and one `completion`, which gets `score`. Where several heads or models are asked, `scores` are their means
and `spread` is the SD of their scores around the prompt's mean: it tells how sure the order of the completions is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from workers.rlhf.reward_configs import RewardConfig

LENGTHS: Final = ("max_prompt_tokens", "max_completion_tokens")


@dataclass(slots=True)
class Cuts:
    """How many prompts lost their start and how many completions their end, so far."""

    prompts: int = 0
    completions: int = 0

    def told(self, judge: str) -> str | None:
        """What a person should know of it."""
        if not self.prompts and not self.completions:
            return None
        return (
            f"{judge} read {self.prompts} prompts without their start and {self.completions} completions without their "
            "end: longer than what it was trained on, or has positions for."
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """A loaded reward model; it reads texts cut as in its training, and counts the cuts."""

    model: LanguageModel
    role: Role
    head: ScoreHead
    config: RewardConfig = field(default_factory=RewardConfig)
    cuts: Cuts = field(default_factory=Cuts)

    @torch.no_grad()
    def members(self, messages: Sequence[dict[str, str]], texts: Sequence[str]) -> Tensor:
        """Scores [N, H] of completions of one prompt by every head, in within-prompt SDs."""
        chat = self.model.chat
        most, room = self.most_of_prompt(), self.room()
        prompt = chat.prompt(messages, most)
        replies = [
            chat.completion(text, min(self.config.max_completion_tokens, room - len(prompt.ids))) for text in texts
        ]
        self.cuts.prompts += prompt.cut > 0
        self.cuts.completions += sum(reply.cut > 0 for reply in replies)
        batch = self.model.lower(dialogues([prompt.ids], [[reply.ids for reply in replies]], chat.pad_id))
        return self.head.members(self.head.read_from(self.role.states(batch), batch.reply_mask_NR)).cpu()

    def room(self) -> int:
        """How many tokens there are positions for, behind virtual tokens if any."""
        return self.model.longest - max((tokens.count for tokens in self.model.virtual.values()), default=0)

    def most_of_prompt(self) -> int:
        """Tokens that are read of a prompt, however long its completions are: a score hangs on no other completion."""
        for_completion = min(self.config.max_completion_tokens, self.room() // 2)
        return min(self.config.max_prompt_tokens, self.room() - for_completion)


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
    lengths = {name: description.config[name] for name in LENGTHS if name in description.config}
    role = Role(model, ADAPTER if description.adapter else None)
    return Judge(model, role, load_head(folder, model), RewardConfig(**lengths))


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
