from pathlib import Path

import pytest

from workers.rlhf.artifacts import BadArtifactError, Description, describe, read_description, seal, verify


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
