"""The demo project: prompts written for it, a small real model, and completions that model wrote before."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.completions.self_naming import names_model
from app.completions.tables import Completion
from app.config import Settings, get_settings
from app.guidelines import service as guidelines
from app.projects.service import create_project
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.prompts.service import NewPromptSet, add_prompts
from app.prompts.tables import Prompt
from app.registry.service import NewModel, register_model
from app.registry.tables import ModelVersion
from app.runs.launching import Launch, launch
from app.runs.sources import source_from_setting
from app.tasks.service import create_task

HERE = Path(__file__).parent
PROMPTS = HERE / "starter_prompts.jsonl"
COMPLETIONS = HERE / "starter_completions.jsonl"
# Short answers to most starter prompts, to be uploaded: they need an author, and at the first start nobody is there.
STARTER_DEMONSTRATIONS = HERE / "starter_demonstrations.jsonl"
GUIDELINES = HERE / "guidelines.md"
# The shipped completions are this model's; with another base model they would be somebody else's words.
SHIPPED_FOR = Settings.model_fields["base_model"].default
MODEL_NAMES = {SHIPPED_FOR: "SmolLM2-135M-Instruct"}


def make_demo(session: Session) -> Project:
    """The demo project: starter prompts, the base model (its import is queued), shipped completions as tasks."""
    project = create_project(
        session,
        creator=None,
        name="Helpful answers",
        description="Rank the answers of a small model, then run a cycle: it learns what you prefer.",
        settings={"loop": {"promotion": "automatic", "keep_tasks_ready": 24}},
    )
    guidelines.save(
        session, project_id=project.id, actor=None, text=GUIDELINES.read_text(encoding="utf-8").strip(), basis=None
    )
    prompts = add_starter_prompts(session, project)
    base = register_base(session, project)
    if get_settings().base_model == SHIPPED_FOR:
        open_shipped_tasks(session, project, base, prompts)
    return project


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file with one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def add_starter_prompts(session: Session, project: Project) -> dict[str, Prompt]:
    """The starter set, added to `project`; its prompts by their name in the file."""
    lines = read_lines(PROMPTS)
    added = add_prompts(
        session,
        project_id=project.id,
        prompts=[line["prompt"] for line in lines],
        new=NewPromptSet(
            name="Starter prompts", file_name=PROMPTS.name, source="written for Plackett", licence="Apache-2.0"
        ),
    )
    by_line = {one.line: one for one in session.scalars(select(Prompt).where(Prompt.prompt_set_id == added.id))}
    return {line["id"]: by_line[number] for number, line in enumerate(lines, start=1)}


def register_base(session: Session, project: Project) -> ModelVersion:
    """The live model of the new project; its weights come with the import that is queued here."""
    setting = get_settings().base_model
    source = source_from_setting(setting)
    base = register_model(
        session,
        NewModel(
            project_id=project.id,
            kind="base",
            name=MODEL_NAMES.get(setting, setting.partition(":")[2].rstrip("/").rpartition("/")[2]),
            stage="live",
            source=source,
        ),
    )
    launch(
        session,
        Launch(project_id=project.id, kind="import_model", source=source, models={"target": base.id}),
        actor=None,
    )
    return base


def open_shipped_tasks(session: Session, project: Project, base: ModelVersion, prompts: dict[str, Prompt]) -> None:
    """A task for each prompt whose completions are shipped.

    Those of the training split first: a reward model can learn from the very first ranking, and the later ones, held
    out, then tell how well.
    """
    completions: dict[str, list[Completion]] = defaultdict(list)
    for line in read_lines(COMPLETIONS):
        completions[line["id"]].append(shipped_completion(line, prompts[line["id"]], base))
    session.add_all(one for several in completions.values() for one in several)
    session.flush()
    overlap = settings_of(project).overlap
    for name in sorted(completions, key=lambda name: prompts[name].split != "train"):
        create_task(
            session,
            project_id=project.id,
            prompt_id=prompts[name].id,
            completion_ids=[one.id for one in completions[name]],
            overlap=overlap,
        )


def shipped_completion(line: dict[str, Any], prompt: Prompt, base: ModelVersion) -> Completion:
    """One line of the shipped file as a row, with the parameters and the seed that reproduce it."""
    return Completion(
        prompt_id=prompt.id,
        model_version_id=base.id,
        text=line["text"],
        sampling=line["sampling"],
        seed=line["seed"],
        sample_index=line["sample_index"],
        finish_reason=line["finish_reason"],
        token_count=line["token_count"],
        names_model=names_model(line["text"], [base.name]),
    )
