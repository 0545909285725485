"""Every way of improving a policy with a tiny real model in real children, registered and stored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.completions.tables import Completion
from app.config import get_settings
from app.db import transaction
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from app.storage import store
from app.tasks.tables import Task
from tests.app.judgment_rows import World, a_world
from tests.conftest import Database
from tests.tiny_model import build_tiny_model
from tests.workers.jobs.stage import behave, launched, made_by, read_run, with_demonstrations, with_judgments
from tests.workers.rlhf.test_ppo import save_reward
from workers.jobs import execution, folders

pytestmark = [pytest.mark.commits, pytest.mark.timeout(300)]

CONFIGS: dict[str, dict[str, Any]] = {
    "dpo": {"minimum_steps": 2, "prompts_per_step": 2, "lora_layers": 1, "shown_tokens": 4},
    "best_of_n": {"prompts": 2, "samples_per_prompt": 3, "max_new_tokens": 6, "epochs": 1, "lora_layers": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny base artifact."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def world(database: Database, use_settings: Callable[..., object], tiny: Path, tmp_path: Path) -> World:
    """A project with judgments and demonstrations, a live policy and a live reward model."""
    use_settings(run_lease_seconds=30)
    scorer = save_reward(tiny, tmp_path / "reward")
    (scorer / "base").unlink()
    with transaction() as session:
        made = a_world(session)
        for version, folder in ((made.model, tiny), (made.model_version("reward", 1, "live"), scorer)):
            stored = store().put(folder)
            version.artifact_sha256, version.artifact_bytes = stored.sha256, stored.size
            version.base_id = None if version is made.model else made.model.id
        for _ in range(3):
            made.prompt()
        with_demonstrations(with_judgments(made, 2), 2)
    return made


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_run_leaves_a_policy(world: World, kind: str) -> None:
    with transaction() as session:
        world.session = session
        before = session.scalars(select(Task.id).order_by(Task.id)).all()
        run_id = launched(world, kind, config=CONFIGS[kind], seed=7)
    assert execution.execute(run_id) == run_id

    run = read_run(run_id)
    assert run.state == "succeeded", run.error
    version = made_by(run_id)
    assert (version.kind, version.stage, version.parent_id, version.base_id) == (
        "policy", "candidate", world.model.id, world.model.id,
    )  # fmt: skip
    assert version.dataset_snapshot_id == run.dataset_snapshot_id is not None
    assert "eval/kl" in version.metrics
    with transaction() as session:
        written = session.scalars(select(Completion).where(Completion.run_id == run_id)).all()
        assert session.scalars(select(Task.id).order_by(Task.id)).all() == before
    assert len(written) == (6 if kind == "best_of_n" else 0)
    for prompt in {one.prompt_id for one in written}:
        mine = [one.sampling for one in written if one.prompt_id == prompt]
        assert sum(sampling["chosen"] for sampling in mine) == 1
        assert all(isinstance(sampling["score"], float) for sampling in mine)


@pytest.mark.parametrize("kind", ["ppo", "rloo", "grpo"])
def test_other_kinds_register_alike(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    behave(monkeypatch, "behave_well")
    with transaction() as session:
        world.session = session
        run_id = launched(world, kind, config={"method": "full"})
    execution.execute(run_id)
    version = made_by(run_id)
    assert (version.kind, version.parent_id, version.base_id) == ("policy", world.model.id, None)


def test_demonstrations_lie_beside_the_prompts_where_text_is_mixed_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, "behave_well")
    seen: list[list[str]] = []
    furnish = folders.furnish

    def look(folder: Path, *args: Any, **named: Any) -> None:
        seen.append((folder / "demonstrations.jsonl").read_text().splitlines())
        furnish(folder, *args, **named)

    monkeypatch.setattr(folders, "furnish", look)
    with transaction() as session:
        world.session = session
        run_id = launched(world, "ppo", config={"pretrain_weight": 1.0})
    execution.execute(run_id)
    assert [len(lines) for lines in seen] == [2]
    with transaction() as session:
        inputs = session.get_one(Run, run_id).inputs
        assert inputs["demonstrations_snapshot_id"] != session.get_one(Run, run_id).dataset_snapshot_id
        assert session.scalars(select(ModelVersion).where(ModelVersion.run_id == run_id)).one().kind == "policy"
    assert not (get_settings().runs_dir / str(run_id)).exists()
