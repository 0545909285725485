"""Sample runs: models answer prompts; a prompt's task appears in the transaction that brings its last answer."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions import service as completions
from app.completions.service import SampledCompletion
from app.completions.tables import Completion
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.prompts.tables import Prompt
from app.runs import leases
from app.runs.events import Event, note
from app.runs.leases import Claim
from app.tasks import service as tasks
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, models_of

SAMPLING: Final = ("temperature", "top_p", "max_new_tokens", "max_prompt_tokens")


def prepare(session: Session, held: Claim) -> Inputs:
    """Choose the prompts once; ask only for answers that are not stored yet."""
    chosen = held.inputs.get("prompt_ids") or choose_prompts(session, held)
    leases.set_inputs(session, held, {"prompt_ids": chosen})

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(session, held, chosen))

    return Inputs(write=write, models=models_of(session, held))


def choose_prompts(session: Session, held: Claim) -> list[int]:
    """The prompts with the fewest answers by these models, oldest first."""
    writers = list(held.inputs["models"].values())
    answers = (
        select(func.count())
        .where(Completion.prompt_id == Prompt.id, Completion.model_version_id.in_(writers))
        .scalar_subquery()
    )
    query = select(Prompt.id).where(Prompt.project_id == held.project_id, Prompt.state == "active")
    if held.inputs.get("prompt_set_id") is not None:
        query = query.where(Prompt.prompt_set_id == held.inputs["prompt_set_id"])
    return list(session.scalars(query.order_by(answers, Prompt.id).limit(held.config["prompts"])))


def share(total: int, roles: list[str]) -> dict[str, int]:
    """How many of `total` answers each role writes: as even as can be, the first ones one more."""
    each, rest = divmod(total, len(roles))
    return {role: each + (place < rest) for place, role in enumerate(roles)}


def rows(session: Session, held: Claim, prompt_ids: list[int]) -> Iterator[dict[str, Any]]:
    """One row a prompt that lacks answers, with runs of consecutive missing sample indices a role."""
    models: dict[str, int] = held.inputs["models"]
    shares = share(held.config["completions_per_prompt"], sorted(models))
    stored = set(
        session.execute(
            select(Completion.prompt_id, Completion.model_version_id, Completion.sample_index).where(
                Completion.run_id == held.run_id
            )
        ).tuples()
    )
    for prompt in session.scalars(select(Prompt).where(Prompt.id.in_(prompt_ids)).order_by(Prompt.id)):
        requests = [
            {"model": role, "count": count, "first_index": first}
            for role, model_id in models.items()
            for first, count in gaps({i for i in range(shares[role]) if (prompt.id, model_id, i) not in stored})
        ]
        if requests:
            yield {"prompt_id": prompt.id, "messages": prompt.messages, "requests": requests}


def gaps(missing: set[int]) -> list[tuple[int, int]]:
    """Runs of consecutive numbers, as (first, count): {0, 1, 4} → [(0, 2), (4, 1)]."""
    numbered = groupby(enumerate(sorted(missing)), key=lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in numbered]
    return [(run[0], len(run)) for run in runs]


def record(session: Session, held: Claim, lines: list[dict[str, Any]]) -> list[Event]:
    """Store answers, and open the tasks of prompts that have all of theirs."""
    models: dict[str, int] = held.inputs["models"]
    how = {name: held.config[name] for name in SAMPLING}
    written = [
        SampledCompletion(
            prompt_id=line["prompt_id"],
            model_version_id=models[line["model"]],
            sample_index=line["sample_index"],
            text=line["text"],
            seed=line.get("seed"),
            finish_reason=line.get("finish_reason"),
            token_count=line.get("token_count"),
            sampling={**how, "logprob": line.get("logprob")},
        )
        for line in lines
    ]
    completions.add_sampled(session, run_id=held.run_id, completions=written)
    opened = tasks.create_tasks_for_completed_prompts(
        session,
        project_id=held.project_id,
        run_id=held.run_id,
        completions_per_prompt=held.config["completions_per_prompt"],
        overlap=settings_of(session.get_one(Project, held.project_id)).overlap,
    )
    return [note(f"{len(opened.task_ids)} tasks are ready to be ranked.")] if opened.task_ids else []


KIND = Kind(prepare=prepare, record=record)
