"""Numbers, stages, one live model of each role, lineage both ways."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world


@pytest.fixture
def world(session: Session) -> World:
    """A project with a live base model."""
    return a_world(session)


def make(world: World, kind: Any, parent: ModelVersion | None = None, **more: Any) -> ModelVersion:
    new = NewModel(
        project_id=world.project.id,
        kind=kind,
        parent_id=parent.id if parent else None,
        artifact_sha256="a" * 64,
        artifact_bytes=1,
        **more,
    )
    return registry.register_model(world.session, new)


def test_numbers_and_names_count_per_kind(world: World) -> None:
    names = [make(world, kind).name for kind in ("policy", "reward", "policy")]
    assert names == ["Policy 1", "Reward model 1", "Policy 2"]


def test_promoting_archives_the_one_before_of_the_same_role(session: Session, world: World) -> None:
    reward, policy = make(world, "reward"), make(world, "policy")
    registry.promote(session, reward, actor=None)
    assert registry.promote(session, policy, actor=None).id == world.model.id
    assert world.model.stage == "archived"
    assert registry.live_policy(session, world.project.id).id == policy.id
    assert registry.live_reward(session, world.project.id).id == reward.id
    assert registry.promote(session, policy, actor=None) is None


def test_an_archived_model_can_go_live_again(session: Session, world: World) -> None:
    first, second = make(world, "policy"), make(world, "policy")
    for version in (first, second, first):
        registry.promote(session, version, actor=None)
    assert registry.live_policy(session, world.project.id).id == first.id


def test_a_model_without_weights_stays_a_candidate(session: Session, world: World) -> None:
    waiting = registry.register_model(session, NewModel(project_id=world.project.id, kind="base"))
    with pytest.raises(Conflict):
        registry.promote(session, waiting, actor=None)


def test_the_live_model_cannot_be_archived(session: Session, world: World) -> None:
    with pytest.raises(Conflict):
        registry.archive(session, world.model, actor=None)


def test_lineage_goes_both_ways_to_the_end(session: Session, world: World) -> None:
    base = world.model
    first = make(world, "policy", base, base_id=base.id)
    second = make(world, "policy", first, base_id=base.id)
    reward = make(world, "reward", base, base_id=base.id)
    assert [one.id for one in registry.ancestors(session, second)] == [base.id, first.id]
    assert [one.id for one in registry.descendants(session, base)] == [first.id, second.id, reward.id]
    assert registry.ancestors(session, base) == registry.descendants(session, reward) == []
    assert registry.root_of(session, second).id == base.id


def test_model_versions_over_http(client: OpenClient, session: Session, world: World) -> None:
    policy = make(world, "policy", world.model)
    rosa = browser(client, session, world.person("researcher"))
    listed = rosa.get(f"/api/v1/projects/{world.project.id}/model-versions", params={"kind": "policy"}).json()
    assert [one["name"] for one in listed["items"]] == ["Policy 1"]
    assert rosa.post(f"/api/v1/model-versions/{policy.id}/promote").json()["stage"] == "live"
    shown = rosa.get(f"/api/v1/model-versions/{policy.id}").json()
    assert [one["id"] for one in shown["ancestors"]] == [world.model.id]
    assert shown["artifact"] == {"sha256": "a" * 64, "bytes": 1}
    assert rosa.post(f"/api/v1/model-versions/{policy.id}/archive").status_code == 409
    annotator = browser(client, session, world.person("annotator"))
    assert annotator.get(f"/api/v1/model-versions/{policy.id}").status_code == 403
