"""Sample runs: models answer prompts; a prompt's task appears in the transaction that brings its last answer."""

import json
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from app.completions import service as completions
from app.completions.service import SampledCompletion
from app.loop import blind
from app.loop.retraining import plural
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.runs import leases
from app.runs.events import Event, note
from app.runs.leases import Claim
from app.tasks import service as tasks
from workers.jobs import sample_plan as plan
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, models_of

SAMPLING: Final = (
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "stop_strings",
    "max_new_tokens",
    "max_prompt_tokens",
)


def prepare(session: Session, held: Claim) -> Inputs:
    """Choose the prompts once; ask only for answers that are not stored yet."""
    chosen = held.inputs.get("prompt_ids") or plan.choose_prompts(session, held)
    leases.set_inputs(session, held, {"prompt_ids": chosen})

    def write(later: Session, path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in plan.rows(later, held, chosen))

    return Inputs(write=write, models=models_of(session, held), before=plan.already(session, held))


def record(session: Session, held: Claim, lines: list[dict[str, Any]]) -> list[Event]:
    """Store answers, and open the tasks of those prompts that have all of theirs by them."""
    models: dict[str, int] = held.inputs["models"]
    is_blind = held.inputs.get("purpose") == blind.PURPOSE
    how = {name: held.config[name] for name in SAMPLING if name in held.config} | ({"blind": True} if is_blind else {})
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
    answered = {one.prompt_id for one in written}
    if is_blind:
        compared = blind.open_tasks(session, held.run_id, among=answered)
        return [note(f"Ready to be judged: {plural(compared, 'task')}.")] if compared else []
    settings = settings_of(session.get_one(Project, held.project_id))
    opened = tasks.create_tasks_for_completed_prompts(
        session,
        project_id=held.project_id,
        run_id=held.run_id,
        completions_per_prompt=held.config["completions_per_prompt"],
        overlap=settings.overlap,
        demonstrations=settings.rank_demonstrations,
        among=answered,
    )
    return [note(f"Ready to be ranked: {plural(len(opened.task_ids), 'task')}.")] if opened.task_ids else []


KIND = Kind(prepare=prepare, record=record)
