"""A blind comparison on stage: two versions that can write, held-out prompts, a worker, and people who vote."""

from collections.abc import Callable
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
from app.tasks.tables import Assignment
from tests.app.judgment_rows import World, submit, take
from tests.workers.jobs.stage import a_stocked_world
from workers.jobs import sample, sample_plan


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


def line(role: str, prompt_id: int, text: str, index: int = 0) -> dict[str, Any]:
    """What a child tells of one completion."""
    return {"model": role, "prompt_id": prompt_id, "sample_index": index, "text": text, "finish_reason": "stop"}


def told(world: World, held: Claim, says: Callable[[str, int, int], str]) -> None:
    """The run writes all that it is asked for, one model after the other: `says(role, place of the prompt, index)`."""
    rows = list(sample_plan.rows(world.session, held, held.inputs["prompt_ids"]))
    for role in held.inputs["models"]:
        lines = [
            line(role, row["prompt_id"], says(role, place, index), index)
            for place, row in enumerate(rows)
            for request in row["requests"]
            if request["model"] == role
            for index in range(request["first_index"], request["first_index"] + request["count"])
        ]
        sample.record(world.session, held, lines)


def written(world: World, comparison: BlindComparison, *, same: int = 0, done: bool = True) -> Claim:
    """The run after it has written all answers to every prompt; those to the first `same` prompts are all equal."""
    held = claimed(world, comparison)
    told(world, held, lambda role, place, index: "The same." if place < same else f"{role} says {index}.")
    if done:
        leases.succeed(world.session, held, {"metrics": {}, "report": {}})
    return held


def vote(world: World, annotator: User, candidate: ModelVersion, says: str) -> Assignment:
    """The annotator's next task is of both; they prefer the candidate's answers (`win`), the other's, or none."""
    assignment = take(world, annotator)
    own = set(
        world.session.scalars(
            select(Completion.id).where(
                Completion.id.in_(assignment.shown_order), Completion.model_version_id == candidate.id
            )
        )
    )
    ours, theirs = sorted(own), sorted(set(assignment.shown_order) - own)
    assert ours
    assert theirs
    orders = {"win": [ours, theirs], "loss": [theirs, ours], "tie": [ours + theirs]}
    submit(world.session, assignment, annotator, orders[says])
    return assignment


def votes(world: World, candidate: ModelVersion, says: str, how_many: int, *, people: int = 3) -> None:
    """So many votes of new people, in turns."""
    voters = [world.person() for _ in range(min(people, how_many))]
    for number in range(how_many):
        vote(world, voters[number % len(voters)], candidate, says)
