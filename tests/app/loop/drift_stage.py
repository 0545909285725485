"""A policy's way on stage: versions one after the other, and evaluations of them as the recipe reports them."""

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import func

from app.loop import references
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from tests.app.judgment_rows import World
from workers.rlhf import evaluation_report
from workers.rlhf.evaluate import Asked, Said
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.evaluation_report import Evaluation, Reader

JUDGES = ("judge", "proxy")
# What makes a role's answers what they are: nats from the reference, score, words, and the share that ends by itself.
WRITES: dict[str, tuple[float | None, float, int, bool]] = {
    "reference": (None, 0.0, 12, True),
    "policy": (2.0, 1.5, 18, True),
    "rival": (1.0, 0.5, 15, True),
}
TALE = "the tide comes in and goes out while gulls cry over a grey sea until night falls on us all"
WORDS = TALE.split()


def a_step(world: World, number: int, parent: ModelVersion, *, stage: str = "archived") -> ModelVersion:
    """A policy that learnt from `parent` and, unless it is a candidate, was live."""
    version = world.model_version("policy", number, stage)
    version.name = f"Policy {number}"
    version.parent_id, version.artifact_sha256, version.artifact_bytes = parent.id, "a" * 64, 1
    version.promoted_at = None if stage == "candidate" else func.now()
    world.session.flush()
    return version


def a_way(world: World) -> list[ModelVersion]:
    """The live base that became Policy 1 and then Policy 2, which is live."""
    world.model.stage, world.model.promoted_at, world.model.artifact_sha256 = "archived", func.now(), "a" * 64
    world.session.flush()
    first = a_step(world, 1, world.model)
    return [world.model, first, a_step(world, 2, first, stage="live")]


def a_reward_model(world: World, number: int) -> ModelVersion:
    """A reward model with weights."""
    version = world.model_version("reward", number)
    version.name, version.artifact_sha256 = f"Reward model {number}", "a" * 64
    world.session.flush()
    return version


def evaluated(
    world: World,
    models: Mapping[str, ModelVersion],
    *,
    prompt_ids: Sequence[int] | None = None,
    standing: str = "proxy",
    writes: Mapping[str, tuple[float | None, float, int, bool]] = WRITES,
    **config: Any,
) -> Run:
    """A succeeded evaluation with the report of the recipe; without prompts of its own on the reference prompts."""
    basis = references.basis_of(world.session, world.project.id)
    asked = basis.prompt_ids if prompt_ids is None else list(prompt_ids)
    run = Run(
        project_id=world.project.id,
        kind="evaluate",
        queue="training",
        config={**basis.config, **config},
        seed=1,
        inputs={"models": {role: one.id for role, one in models.items()}, "prompt_ids": asked, "purpose": "drift"},
        result={"artifact": None, "metrics": {}, "report": a_report(models, asked, standing, writes)},
        state="succeeded",
        finished_at=func.now(),
    )
    world.session.add(run)
    world.session.flush()
    return run


def a_report(models: Mapping[str, ModelVersion], asked: Sequence[int], standing: str, writes: Any) -> dict[str, Any]:
    """What the recipe tells of these models' answers."""
    readers = [
        Reader(role, "ab" * 32, "judge" if role == "judge" and standing == "judge" else "proxy", "because")
        for role in JUDGES
        if role in models
    ]
    writers = [role for role in models if role not in JUDGES]
    found = Evaluation(
        config=EvaluateConfig(samples_per_prompt=2),
        asked=[Asked(one, [{"role": "user", "content": f"Question {one}?"}], [1]) for one in asked],
        writings={role: [_answers(models[role], one, writes[role], readers) for one in asked] for role in writers},
        readers=readers,
        flags={},
    )
    told: dict[str, Any] = json.loads(json.dumps(evaluation_report.report(found)))
    return told


def _answers(version: ModelVersion, prompt_id: int, how: Any, readers: Sequence[Reader]) -> list[Said]:
    """Two answers to one prompt; the second is a word longer, and both differ a little from prompt to prompt."""
    kl, score, words, ended = how
    return [
        Said(
            text=f"{version.name} on {prompt_id}: {' '.join(WORDS[place % 7 : place % 7 + words + extra])}.",
            completion=_drawn(words + extra, ended),
            kl=None if kl is None else kl + (place - 1) / 10,
            scores={reader.name: score + place % 3 / 10 for reader in readers},
        )
        for extra, place in enumerate((prompt_id % 3, (prompt_id + 1) % 3))
    ]


def _drawn(tokens: int, ended: bool) -> Any:
    return SimpleNamespace(ids=list(range(tokens)), ended=ended)
