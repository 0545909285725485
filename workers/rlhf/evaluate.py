"""Let models answer the same held-out prompts, measure how far they are from their reference, and have them judged.

Shapes: B = prompts, N = completions, R = reply tokens, M = real tokens, H = heads of judges.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from workers.rlhf import models
from workers.rlhf.artifacts import artifact_sha256, read_description
from workers.rlhf.data import Messages
from workers.rlhf.drawing import listed
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.heads import spread
from workers.rlhf.logprobs import exact_kl
from workers.rlhf.models import BASE, LanguageModel, Role
from workers.rlhf.next_token import mean_loss, pupil
from workers.rlhf.packing import Row
from workers.rlhf.prefix import dialogues
from workers.rlhf.processes import Team
from workers.rlhf.sampling import Completion, Sampling, row_seed, sample, text_of
from workers.rlhf.score import Judge
from workers.rlhf.swift_layers import swift_layers
from workers.rlhf.training import chunks

TOKENS_PER_FORWARD: Final = 4096
READ_TOGETHER: Final = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """A held-out prompt."""

    prompt_id: int | str
    messages: Messages
    ids: list[int]

    @property
    def text(self) -> str:
        """What was said last."""
        return self.messages[-1]["content"]


@dataclass(slots=True)
class Said:
    """One completion and everything that was found out about it.

    `kl` is in nats from the reference, summed over its tokens. `scores` are the judges' by name, `spreads` their
    heads' SDs around the prompt's mean where they have several.
    """

    text: str
    completion: Completion
    kl: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    spreads: dict[str, float] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """How many tokens were chosen, those of its end among them."""
        return len(self.completion.ids)


# A model's completions of every prompt, in the order of the prompts.
Answers = list[list[Said]]


def load_writers(folders: Mapping[str, Path]) -> dict[str, Role]:
    """Models by name, as roles on one base wherever their weights allow it.

    Raises:
        BadArtifactError: a folder that is no artifact.
    """
    loaded: dict[str, LanguageModel] = {}
    roles = {}
    for name, folder in folders.items():
        adapter = read_description(folder).adapter
        whole = folder / BASE if adapter else folder
        sha256 = artifact_sha256(whole)
        model = loaded.get(sha256) or loaded.setdefault(sha256, models.load_base(whole))
        if adapter:
            models.add_saved_adapter(model, folder, name)
        roles[name] = Role(model, name if adapter else None)
    for model in loaded.values():
        model.freeze()
        model.cut()
    return roles


def write(role: Role, asked: Sequence[Asked], config: EvaluateConfig, *, seed: int) -> Iterator[list[list[Said]]]:
    """Let a model answer, a few prompts at a time; another model with the same seed draws the same random numbers."""
    plan = Sampling(
        temperature=config.temperature,
        stop_strings=listed(config.stop_strings),
        max_new_tokens=config.max_new_tokens,
    )
    count = config.samples_per_prompt
    # One copy of the weights for all that is written: to lay it out takes as long as to write a few tokens.
    with swift_layers(role, config.max_new_tokens):
        for first in range(0, len(asked), config.prompts_per_chunk):
            chunk = asked[first : first + config.prompts_per_chunk]
            owner = [place for place in range(len(chunk)) for _ in range(count)]
            # By the place among all prompts: how many go together is a matter of memory and speed alone.
            seeds = [row_seed(seed, chunk[place].prompt_id, first * count + index) for index, place in enumerate(owner)]
            done = sample(role, [one.ids for one in chunk], owner, seeds, plan)
            said = [Said(text_of(role.model.chat, completion), completion) for completion in done]
            yield [list(group) for group in chunks(said, count)]


@torch.no_grad()
def distances(policy: Role, reference: Role, asked: Sequence[Asked], answers: Answers, temperature: float) -> Tensor:
    """Nats [N] from the reference to the policy over completions that the policy wrote.

    The expected sum over the completion's tokens, the stop token included, of the exact KL between both next-token
    distributions; only the prefixes are sampled. Tokens go through in chunks, so that memory stays small.
    """
    replies = [[one.completion.ids for one in group] for group in answers]
    batch = dialogues([one.ids for one in asked], replies, policy.model.chat.pad_id).to(policy.model.device)
    mask_NR = batch.reply_mask_NR
    states = []
    for role in (policy, reference):
        lowered = role.model.lower(batch)
        states.append(role.states(lowered).before(batch.owner_N)[mask_NR])
    heads = policy.model.vocabulary_head, reference.model.vocabulary_head
    token_M = exact_kl(heads[0], states[0], heads[1], states[1], temperature)
    return torch.zeros(mask_NR.shape, device=mask_NR.device).masked_scatter(mask_NR, token_M).sum(dim=1)


def measure(
    policy: Role, reference: Role, asked: Sequence[Asked], answers: Answers, config: EvaluateConfig
) -> Iterator[int]:
    """Write down every completion's distance from the reference; yields how many prompts are done."""
    for start in range(0, len(asked), config.prompts_per_chunk):
        part = slice(start, start + config.prompts_per_chunk)
        found = distances(policy, reference, asked[part], answers[part], config.temperature).tolist()
        for said, kl in zip((one for group in answers[part] for one in group), found, strict=True):
            said.kl = kl
        yield min(len(asked), part.stop)


def judge(judges: Mapping[str, Judge], asked: Sequence[Asked], writings: Sequence[Answers]) -> Iterator[int]:
    """Let every judge score every model's completions as texts; yields how many prompts are done."""
    for place, one in enumerate(asked):
        said = [entry for answers in writings for entry in answers[place]]
        for name, reader in judges.items():
            score_NH = reader.members(list(one.messages), [entry.text for entry in said])
            spread_N = spread(score_NH).tolist() if score_NH.size(1) > 1 else None
            for number, (entry, mean) in enumerate(zip(said, score_NH.mean(dim=1).tolist(), strict=True)):
                entry.scores[name] = mean
                if spread_N:
                    entry.spreads[name] = spread_N[number]
        yield place + 1


def perplexity_loss(role: Role, text: str, most: int) -> tuple[float, int] | None:
    """Nats a token of a text, and how many tokens that is; None for a text of fewer than two tokens."""
    ids = role.model.chat.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)[:most]
    rows = [
        Row(list(piece), [True] * len(piece))
        for piece in chunks(ids, min(READ_TOGETHER, role.model.longest))
        if len(piece) > 1
    ]
    if not rows:
        return None
    reader = pupil(role, tokens_per_forward=TOKENS_PER_FORWARD, packed=False, team=Team())
    return mean_loss(reader, rows), sum(row.targets for row in rows)
