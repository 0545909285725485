"""Evaluation runs: models answer the same held-out prompts; a report is left, and no model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.lineage import service as lineage
from app.prompts.tables import Prompt
from app.runs import leases
from app.runs.leases import Claim
from app.runs.requirements import HELD_OUT
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, models_of, text_of

JUDGES: Final = ("judge", "proxy")


def prepare(session: Session, held: Claim) -> Inputs:
    """Choose the prompts once: those that no training has seen first, each time the same while the project has them."""
    chosen = held.inputs.get("prompt_ids") or choose_prompts(session, held)
    in_common = shared(session, held.inputs["models"])
    leases.set_inputs(session, held, {"prompt_ids": chosen})

    def write(later: Session, path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(later, chosen))

    return Inputs(
        write=write,
        models=models_of(session, held),
        text=text_of(session, held, "pretrain.txt"),
        shared=in_common,
    )


def shared(session: Session, models: Mapping[str, int]) -> dict[str, dict[str, int | None]]:
    """How many judgments each judge has in common with each model that it compares; None where that is not known."""
    return {
        judge: {
            role: lineage.shared_judgments(session, models[judge], version_id)
            for role, version_id in models.items()
            if role not in JUDGES
        }
        for judge in JUDGES
        if judge in models
    }


def choose_prompts(session: Session, held: Claim) -> list[int]:
    """Held-out prompts, of the test split before those of the validation split, oldest first."""
    query = select(Prompt.id).where(
        Prompt.project_id == held.project_id, Prompt.state == "active", Prompt.split.in_(HELD_OUT)
    )
    if held.inputs.get("prompt_set_id") is not None:
        query = query.where(Prompt.prompt_set_id == held.inputs["prompt_set_id"])
    return list(session.scalars(query.order_by(Prompt.split != "test", Prompt.id).limit(held.config["prompts"])))


def rows(session: Session, prompt_ids: list[int]) -> list[dict[str, Any]]:
    """One line a prompt, in the order in which they were chosen."""
    found = {prompt.id: prompt for prompt in session.scalars(select(Prompt).where(Prompt.id.in_(prompt_ids)))}
    return [
        {"prompt_id": key, "split": found[key].split, "messages": found[key].messages}
        for key in prompt_ids
        if key in found
    ]


KIND = Kind(prepare=prepare)
