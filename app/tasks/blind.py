"""Tasks of a blind comparison: completions of a held-out prompt by two models, one judgment each, on the desk like any
other and with as many cards.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from random import SystemRandom
from typing import Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from app.completions import service as completions
from app.completions.tables import Completion
from app.tasks.assignment import BLANKS, distinct
from app.tasks.changing import retire_task
from app.tasks.service import Opened, create_task
from app.tasks.tables import Task

CHANCE: Final = SystemRandom()
# One vote a prompt group, because votes on prompts that are alike are not votes of their own; those that were asked
# about least often go first, and chance, by the seed, decides between them.
HELD_OUT: Final = text(
    """
    WITH held_out AS (
      SELECT p.id, p.group_hash,
             (SELECT count(*) FROM tasks t WHERE t.prompt_id = p.id AND t.purpose = 'blind') AS used
      FROM prompts p
      WHERE p.project_id = :project AND p.state = 'active' AND p.split IN ('validation', 'test')),
    one_each AS (
      SELECT DISTINCT ON (group_hash) id, sum(used) OVER (PARTITION BY group_hash) AS used
      FROM held_out ORDER BY group_hash, held_out.used, hashint8extended(id, :seed))
    SELECT id FROM one_each ORDER BY used, hashint8extended(id, :seed) LIMIT :most
    """
)


def held_out_prompts(session: Session, project_id: int, *, most: int, seed: int) -> list[int]:
    """Up to `most` prompts that no model learns from, one of each group."""
    return list(session.scalars(HELD_OUT, {"project": project_id, "most": most, "seed": seed}))


def open_answered(
    session: Session, *, project_id: int, run_id: int, completions_per_prompt: int, among: Collection[int]
) -> Opened:
    """A task for each prompt among these that has all of its run's completions and no task yet; again adds nothing.

    Completions with the same text share one card, as in every task. Where both models said the same equally often there
    is none: that is a tie, and nobody needs to be asked.
    """
    tasks, identical = [], 0
    answered = _answered(run_id, completions_per_prompt).where(Completion.prompt_id.in_(among))
    for prompt_id in list(session.scalars(answered.order_by(Completion.prompt_id))):
        query = select(Completion.id, Completion.text, Completion.model_version_id).where(
            Completion.run_id == run_id, Completion.prompt_id == prompt_id
        )
        written = list(session.execute(query.order_by(Completion.id)).tuples())
        if is_told_alike([(said, author) for _, said, author in written]):
            identical += 1
            continue
        cards = distinct([(one, said) for one, said, _ in written])
        task = create_task(
            session,
            project_id=project_id,
            prompt_id=prompt_id,
            completion_ids=completions.renumber(session, cards, CHANCE),
            overlap=1,
            run_id=run_id,
            purpose="blind",
        )
        tasks.append(task.id)
    return Opened(tasks, identical)


def is_told_alike(written: Sequence[tuple[str, int | None]]) -> bool:
    """Whether every text, given with its author, makes up the same share of each author's texts.

    Then every text meets itself and all others as often on either side, so no order of them prefers an author.
    """
    sides: dict[int | None, Counter[str]] = {}
    for said, author in written:
        sides.setdefault(author, Counter())[said.strip(BLANKS)] += 1
    first, *others = sides.values()
    return all(
        first[said] * one.total() == one[said] * first.total() for one in others for said in first.keys() | one.keys()
    )


def count_identical(session: Session, run_id: int, completions_per_prompt: int) -> int:
    """How many prompts both models gave the same answers to."""
    answered = _answered(run_id, completions_per_prompt).subquery()
    return session.scalar(select(func.count()).select_from(answered)) or 0


def _answered(run_id: int, completions_per_prompt: int) -> Select[int]:
    """Prompts with all completions of the run, but without a task."""
    return (
        select(Completion.prompt_id)
        .where(Completion.run_id == run_id)
        .where(~select(Task.id).where(Task.run_id == run_id, Task.prompt_id == Completion.prompt_id).exists())
        .group_by(Completion.prompt_id)
        .having(func.count() >= completions_per_prompt)
    )


def count_open(session: Session, run_id: int) -> int:
    """Tasks of the comparison that still want their judgment."""
    return session.scalar(select(func.count()).where(Task.run_id == run_id, Task.state == "open")) or 0


def retire(session: Session, run_id: int) -> int:
    """Ask for no more judgments; how many tasks that were. What people hold just now comes in as `extra`."""
    still_open = (
        select(Task)
        .where(Task.run_id == run_id, Task.state == "open")
        .order_by(Task.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    tasks = session.scalars(still_open).all()
    for task in tasks:
        retire_task(session, task)
    return len(tasks)
