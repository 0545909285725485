"""Fine-tuning and reward training with a tiny real model in real children: what a project's own rows bring about."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.auth.tables import User
from app.datasets.texts import store_text
from app.db import transaction
from app.prompts.service import NewPromptSet
from app.prompts.upload import Upload
from app.rankings.judgment import Form
from app.registry.tables import ModelVersion
from app.runs.tables import RunMetric
from app.storage import store
from tests.app.judgment_rows import World, a_world, submit, take
from tests.conftest import Database
from tests.tiny_model import EXCHANGES, build_tiny_model
from tests.workers.jobs.stage import launched, made_by, read_run
from workers.jobs import execution

pytestmark = [pytest.mark.commits, pytest.mark.timeout(300)]

QUICK_REWARD = {"minimum_steps": 2, "prompts_per_step": 4, "likelihood": "pairs"}
QUICK_PRETRAIN = {
    "layers": 1,
    "width": 32,
    "heads": 2,
    "vocabulary": 300,
    "context": 16,
    "steps": 8,
    "sample_tokens": 4,
}
QUICK_SFT = {"minimum_steps": 2, "epochs": 1, "evaluate_every": 1, "samples_to_read": 1, "sample_tokens": 4}
PROMPTS = 8


@pytest.fixture
def world(database: Database, use_settings: Callable[..., object], tmp_path: Path) -> World:
    """Two models answered eight prompts, three of them held out; a person ranked the answers and wrote one each."""
    use_settings(run_lease_seconds=30)
    with transaction() as session:
        made = a_world(session)
        stored = store().put(build_tiny_model(tmp_path / "tiny", steps=4))
        made.model.artifact_sha256, made.model.artifact_bytes = stored.sha256, stored.size
        tuned, author, annotator = made.model_version("sft", 1), made.person(), made.person(name="Ben")
        said = {open_task(made, number, tuned): number % 4 + 1 for number in range(PROMPTS)}
        for prompt_number in range(PROMPTS):
            prompt = made.prompt("validation" if prompt_number < 2 else "train")
            made.completions(prompt, 1, author=author)
        for _ in said:
            assignment = take(made, annotator)
            strength = {"strength": said[assignment.task_id]} if len(assignment.shown_order) == 2 else {}
            submit(session, assignment, annotator, form=Form(ask_strength="optional"), **strength)
    return made


def open_task(world: World, number: int, tuned: ModelVersion) -> int:
    """A task over answers of both models: two, or three for every other prompt; its id."""
    asked = EXCHANGES[number % len(EXCHANGES)][0]
    prompt = world.prompt("validation" if number < 4 else "train", text=asked)
    ids = [*world.completions(prompt, 1 + number % 2), *world.completions(prompt, 1, model=tuned)]
    return world.task(prompt=prompt, completion_ids=ids).id


def trained(world: World, kind: str, **wanted: Any) -> tuple[ModelVersion, dict[str, Any]]:
    """Launch a run and work it off in a real child; the model that it made and the report of the run."""
    with transaction() as session:
        world.session = session
        run_id = launched(world, kind, seed=3, **wanted)
    assert execution.execute(run_id) == run_id
    run = read_run(run_id)
    assert run.state == "succeeded", run.error
    assert run.result is not None
    return made_by(run_id), run.result["report"]


def a_text(world: World) -> int:
    """An uploaded text of the project; its id."""
    file = BytesIO(b"Birds sleep in trees. The sea is deep and blue.\n" * 40)
    with transaction() as session:
        upload = Upload(file=file, file_name="tale.txt", limit_bytes=1 << 20)
        new = NewPromptSet(name="A tale", file_name="tale.txt")
        actor = session.get_one(User, world.people[0].id)
        return store_text(session, project_id=world.project.id, actor=actor, upload=upload, new=new).id


def test_a_base_is_made_of_an_uploaded_text(world: World) -> None:
    text_id = a_text(world)
    made, report = trained(world, "pretrain", config=QUICK_PRETRAIN, text_id=text_id, name="Bird")
    assert (made.kind, made.name, made.parent_id, made.dataset_snapshot_id) == ("base", "Bird", None, text_id)
    assert report["text"]["bytes"] == 48 * 40
    assert made.metrics["eval/loss"] < made.metrics["eval/loss_before"]


def test_a_model_tuned_by_a_prefix_its_reward_model_and_the_weights_that_this_one_chooses(world: World) -> None:
    prefixed, _ = trained(world, "sft", config={**QUICK_SFT, "method": "prefix", "virtual_tokens": 4})
    assert prefixed.base_id == world.model.id

    scorer, report = trained(world, "reward", config=QUICK_REWARD, models={"base": prefixed.id})

    assert (scorer.parent_id, scorer.base_id) == (prefixed.id, world.model.id)
    assert report["lineage"]["behind_sha256"] == prefixed.artifact_sha256
    parts = report["judged"]["parts"]
    by_models = {row["models"]: row["pairs"] for row in parts["models"]}
    assert by_models == {"sft-1 / tiny": 6, "tiny / tiny": 2}
    assert {row["strength"]: row["pairs"] for row in parts["strength"]} == {"1": 1, "3": 1}
    assert {row["completions"]: row["pairs"] for row in parts["completions"]} == {"2": 2, "3": 6}
    assert {row["tiers_apart"] for row in parts["tiers_apart"]} == {"1", "2"}

    text_id = a_text(world)
    config = {**QUICK_SFT, "keep": "reward", "pretrain_share": 0.5}
    tuned, _ = trained(world, "sft", config=config, models={"reward": scorer.id}, text_id=text_id)

    assert (tuned.kind, tuned.base_id) == ("sft", None)
    with transaction() as session:
        looks = session.scalars(
            select(RunMetric.value).where(RunMetric.run_id == tuned.run_id, RunMetric.name == "eval/score")
        )
        assert max(looks) == pytest.approx(tuned.metrics["eval/score"])
