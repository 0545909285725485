from pathlib import Path

import pytest

from workers.rlhf.artifacts import (
    BadArtifactError,
    Description,
    describe,
    read_description,
    rewards_behind,
    seal,
    verify,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights.safetensors").write_bytes(b"numbers")
    describe(tmp_path, Description(kind="reward", base_sha256="b", adapter=True, metrics={"x": 1}))
    return tmp_path


def test_a_sealed_folder_verifies_under_its_own_name(folder: Path) -> None:
    sealed = seal(folder)
    assert verify(folder) == sealed.sha256
    assert sealed.size == sum(path.stat().st_size for path in folder.iterdir())
    assert seal(folder) == sealed


@pytest.mark.parametrize("damage", ["change", "grow", "remove"])
def test_damage_is_found(folder: Path, damage: str) -> None:
    seal(folder)
    path = folder / "weights.safetensors"
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(b"nombers" if damage == "change" else b"numbers!")
    with pytest.raises(BadArtifactError, match=r"weights\.safetensors"):
        verify(folder)


def test_a_description_comes_back_as_it_was_written(folder: Path) -> None:
    assert read_description(folder) == Description(kind="reward", base_sha256="b", adapter=True, metrics={"x": 1})


@pytest.mark.parametrize("text", ["", "{}", '{"kind": "base", "format": 99}', '{"kind": "base", "colour": 1}'])
def test_a_description_of_another_kind_is_refused(folder: Path, text: str) -> None:
    (folder / "plackett.json").write_text(text)
    with pytest.raises(BadArtifactError):
        read_description(folder)


def test_every_reward_model_behind_a_policy_is_remembered(tmp_path: Path) -> None:
    names = {}
    for kind, name in (("base", "base"), ("reward", "first"), ("reward", "second"), ("policy", "old policy")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
        describe(tmp_path / name, Description(kind=kind))
        names[name] = seal(tmp_path / name).sha256
    once = rewards_behind(tmp_path / "base", tmp_path / "first")
    assert once == [names["first"]]
    policy = tmp_path / "policy"
    policy.mkdir()
    describe(policy, Description(kind="policy", rewarded_by=once))
    assert rewards_behind(policy, tmp_path / "second") == sorted([names["first"], names["second"]])
    assert rewards_behind(policy) == once
    # Nobody wrote down what had shaped a policy of an earlier version.
    assert rewards_behind(tmp_path / "old policy", tmp_path / "first") is None
