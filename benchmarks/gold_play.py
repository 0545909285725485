"""What the gold experiment does with models: write, measure the distance, and keep what was written."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from workers.rlhf import cast, evaluate
from workers.rlhf.checkpoints import TENSORS
from workers.rlhf.configs import config_from
from workers.rlhf.evaluate import Answers, Asked
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.models import Role
from workers.rlhf.score import load_judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One completion of a held-out prompt: `score` is the reward model's, if it was asked."""

    prompt: int
    text: str
    tokens: int
    stopped: bool
    kl: float | None = None
    score: float | None = None


Lines = list[Line]


def questions(role: Role, prompts: Sequence[str], longest: int) -> list[Asked]:
    """Prompts as a model reads them."""
    said = [[{"role": "user", "content": text}] for text in prompts]
    return [
        Asked(place, messages, role.model.chat.prompt(messages, longest).ids) for place, messages in enumerate(said)
    ]


def write(role: Role, prompts: Sequence[str], config: EvaluateConfig, *, seed: int) -> tuple[list[Asked], Answers]:
    """A role's completions of prompts."""
    asked = questions(role, prompts, config.max_prompt_tokens)
    return asked, [group for part in evaluate.write(role, asked, config, seed=seed) for group in part]


def of_folder(folder: Path, reference: Path | None) -> tuple[Role, Role | None]:
    """A model and its reference."""
    roles = evaluate.load_writers({"policy": folder} | ({"reference": reference} if reference else {}))
    return roles["policy"], roles.get("reference")


def of_checkpoint(folder: Path, base: Path, kind: str, settings: dict[str, Any], *, seed: int) -> tuple[Role, Role]:
    """A policy as it was at a checkpoint, and its reference."""
    policy, reference = cast.pair(base, config_from(kind, settings), seed=seed)
    for model in {id(role.model): role.model for role in (policy, reference)}.values():
        model.cut()
    tensors = load_file(folder / TENSORS)
    with torch.no_grad():
        for name, weight in cast.policy_weights(policy).items():
            weight.copy_(tensors[f"weight/policy/{name}"])
    return policy, reference


def lines_of(role: Role, reference: Role | None, prompts: Sequence[str], config: EvaluateConfig, *, seed: int) -> Lines:
    """Completions of held-out prompts, with their distance from the reference where there is one."""
    asked, answers = write(role, prompts, config, seed=seed)
    for _ in evaluate.measure(role, reference, asked, answers, config) if reference is not None else ():
        pass
    return [
        Line(prompt=place, text=said.text, tokens=said.tokens, stopped=said.completion.stopped, kl=said.kl)
        for place, group in enumerate(answers)
        for said in group
    ]


def scored(folder: Path, prompts: Sequence[str], lines: Lines) -> Lines:
    """The same completions with a reward model's scores."""
    judge = load_judge(folder)
    result: Lines = []
    for place, prompt in enumerate(prompts):
        mine = [line for line in lines if line.prompt == place]
        members = judge.members([{"role": "user", "content": prompt}], [line.text for line in mine])
        scores = members.mean(dim=1).tolist()
        result += [Line(**(asdict(line) | {"score": score})) for line, score in zip(mine, scores, strict=True)]
    return result


def save(path: Path, lines: Lines) -> None:
    """Write completions so that the file is there in full or not at all."""
    aside = path.with_name(f".{path.name}")
    aside.write_text("".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    aside.rename(path)


def read(path: Path) -> Lines:
    """Completions that `save` wrote."""
    return [Line(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
