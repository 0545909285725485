"""A blind comparison on stage: two versions that can write, held-out prompts, a worker, and people who vote."""

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.completions.tables import Completion
from app.loop import blind
from app.loop.blind import Wish
from app.loop.tables import BlindComparison
from app.registry.tables import ModelVersion
from app.runs import leases
from app.runs.leases import Claim
from app.runs.tables import Run
from app.tasks.tables import Assignment
from tests.app.judgment_rows import World, submit, take
from tests.workers.jobs.stage import a_stocked_world
from workers.jobs import sample


def a_policy(world: World, number: int = 7, stage: str = "candidate") -> ModelVersion:
    """A policy with the live model's weights."""
    version = world.model_version("policy", number, stage)
    version.artifact_sha256, version.artifact_bytes = world.model.artifact_sha256, 1
    version.parent_id = world.model.id
    world.session.flush()
    return version


def held_out(world: World, how_many: int) -> World:
    """The same world with so many more held-out prompts, each of a group of its own."""
    for place in range(how_many):
        world.prompt("validation" if place % 2 else "test")
    return world


def a_stage(session: Session, folder: Path, *, prompts: int = 20, **settings: Any) -> World:
    """A project with a live base model that has weights, and held-out prompts."""
    return held_out(a_stocked_world(session, folder, **settings), prompts)


def asked(world: World, candidate: ModelVersion, *, prompts: int = 20, **wish: Any) -> BlindComparison:
    """A new comparison of the candidate with the live model."""
    wanted = Wish(project_id=world.project.id, candidate_id=candidate.id, prompts=prompts, seed=1, **wish)
    return blind.ask(world.session, wanted, actor=None)


def claimed(world: World, comparison: BlindComparison) -> Claim:
    """The comparison's run, at work."""
    held = leases.claim(world.session, comparison.run_id, owner="test", lease_seconds=60)
    assert held is not None
    leases.start(world.session, held)
    return held


def line(role: str, prompt_id: int, text: str) -> dict[str, Any]:
    """What a child tells of one completion."""
    return {"model": role, "prompt_id": prompt_id, "sample_index": 0, "text": text, "finish_reason": "stop"}


def written(world: World, comparison: BlindComparison, *, same: int = 0, done: bool = True) -> Claim:
    """The run after it has written both answers to every prompt, one model after the other; `same` pairs are equal."""
    held = claimed(world, comparison)
    prompt_ids = world.session.get_one(Run, comparison.run_id).inputs["prompt_ids"]
    for role in ("first", "second"):
        said = ["The same." if place < same else f"{role} says so." for place in range(len(prompt_ids))]
        lines = [line(role, prompt_id, text) for prompt_id, text in zip(prompt_ids, said, strict=True)]
        sample.record(world.session, held, lines)
    if done:
        leases.succeed(world.session, held, {"metrics": {}, "report": {}})
    return held


def vote(world: World, annotator: User, candidate: ModelVersion, says: str) -> Assignment:
    """The annotator's next task is a pair; they prefer the candidate's answer (`win`), the other's, or neither."""
    assignment = take(world, annotator)
    own = set(
        world.session.scalars(
            select(Completion.id).where(
                Completion.id.in_(assignment.shown_order), Completion.model_version_id == candidate.id
            )
        )
    )
    better, worse = sorted(assignment.shown_order, key=lambda one: one not in own)
    assert len(own) == 1
    orders = {"win": [[better], [worse]], "loss": [[worse], [better]], "tie": [[better, worse]]}
    submit(world.session, assignment, annotator, orders[says])
    return assignment


def votes(world: World, candidate: ModelVersion, says: str, how_many: int, *, people: int = 3) -> None:
    """So many votes of new people, in turns."""
    voters = [world.person() for _ in range(min(people, how_many))]
    for number in range(how_many):
        vote(world, voters[number % len(voters)], candidate, says)
