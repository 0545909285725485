"""Rows that a desk in the browser needs: prompts of every shape, tasks over them, people who are signed in."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.auth import passwords, service
from app.auth.tables import User
from app.completions.tables import Completion
from app.prompts.tables import Prompt
from app.tasks.service import create_task
from app.tasks.tables import KnownAnswer, Task, TaskCompletion, TaskSlot
from tests.app.judgment_rows import World, a_world

PASSWORD = "correct horse battery"
EXPLANATION = "The *first* one is right because it is."
numbers = count(1)


def a_project(session: Session, **settings: Any) -> World:
    """A project of one test, with a live model whose name no annotator may read."""
    world = a_world(session, **settings)
    world.project.name = f"Helpful answers {next(numbers)}"
    world.model.name = f"secret-model-{next(numbers)}"
    return world


@lru_cache
def password_hash() -> str:
    """The hash of everybody's password; made once because it is slow on purpose."""
    return passwords.hash_password(PASSWORD)


def a_person(world: World, role: str = "annotator", name: str = "Ada") -> User:
    """A member who can sign in with `PASSWORD`."""
    person = world.person(role, name)
    person.password_hash = password_hash()
    world.session.commit()
    return person


def cookie_of(world: World, person: User) -> str:
    """The secret of a new sign-in."""
    signed_in = service.sign_in(world.session, person)
    world.session.commit()
    return signed_in.cookie


def a_prompt(world: World, messages: str | list[dict[str, str]]) -> Prompt:
    """An active prompt: one user turn, or a whole conversation."""
    turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    key = f"{next(numbers)}:{turns}".encode()
    prompt = Prompt(
        project_id=world.project.id,
        prompt_set_id=world.prompt_set.id,
        line=1,
        messages=turns,
        content_hash=sha256(key).digest(),
        group_hash=sha256(key).digest(),
        split="train",
        state="active",
    )
    world.session.add(prompt)
    world.session.flush()
    return prompt


def completions(world: World, prompt: Prompt, texts: Sequence[str]) -> list[int]:
    """Ids of the model's completions of a prompt."""
    rows = [Completion(prompt_id=prompt.id, text=text, model_version_id=world.model.id) for text in texts]
    world.session.add_all(rows)
    world.session.flush()
    return [row.id for row in rows]


def a_task(
    world: World,
    messages: str | list[dict[str, str]] | None = None,
    texts: Sequence[str] | int = 4,
    *,
    overlap: int = 1,
) -> Task:
    """An open task, committed: over the given completions, or over that many short ones."""
    number = next(numbers)
    prompt = a_prompt(world, messages or f"Question {number}: what should be done?")
    written = [f"Reply {number}.{place}" for place in range(texts)] if isinstance(texts, int) else texts
    task = create_task(
        world.session,
        project_id=world.project.id,
        prompt_id=prompt.id,
        completion_ids=completions(world, prompt, written),
        overlap=overlap,
    )
    world.session.commit()
    return task


def a_known_task(world: World, purpose: str, messages: str, texts: Sequence[str] | int = 3) -> Task:
    """A gold or practice task: the stored order is the right one, and nobody waits in a queue for it."""
    task = a_task(world, messages, texts)
    world.session.execute(delete(TaskSlot).where(TaskSlot.task_id == task.id))
    task.purpose = purpose
    order = select(TaskCompletion.completion_id).where(TaskCompletion.task_id == task.id)
    ids = world.session.scalars(order.order_by(TaskCompletion.position)).all()
    world.session.add(KnownAnswer(task_id=task.id, tiers=[[one] for one in ids], explanation=EXPLANATION))
    world.session.commit()
    return task
