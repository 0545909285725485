"""A reward model that starts from a model tuned by virtual tokens: they stay before every text, LoRA learns behind."""

from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.conftest import ANSWERS, ranked_rows, write_job
from workers.rlhf import cast, models
from workers.rlhf.artifacts import BadArtifactError, Description, artifact_sha256, describe, read_description, seal
from workers.rlhf.configs import PpoConfig
from workers.rlhf.export import export_classifier
from workers.rlhf.job import open_job
from workers.rlhf.launch import launch
from workers.rlhf.score import load_judge

QUICK = {"minimum_steps": 2, "prompts_per_step": 4, "epochs": 1}
METHODS = ["p_tuning", "prefix"]
ASKED = [{"role": "user", "content": "Name a colour."}]


def fine_tuned(folder: Path, base: Path, method: str) -> Path:
    """An artifact of virtual tokens that change what the model says."""
    model = models.load_base(base)
    with models.fresh_seed(1):
        models.add_virtual_tokens(model, "sft", method, [20, 21, 22, 23])
        for weight in model.parameters_of("sft"):
            weight.data += 0.1 * torch.randn_like(weight)
    folder.mkdir()
    models.save_adapter(model, "sft", folder)
    describe(folder, Description(kind="sft", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / models.BASE).symlink_to(base)
    return folder


def trained(folder: Path, start: Path, **config: object) -> Path:
    """The reward artifact of a short run from `start`, with its base beside it."""
    events: list[dict] = []
    rows = ranked_rows(prompts=6, held_out=2)
    launch(open_job(write_job(folder, "reward", rows, {"base": start}, config=QUICK | config), events.append))
    assert events[-1]["type"] == "result"
    (folder / "out" / models.BASE).symlink_to((start / models.BASE).resolve())
    return folder / "out"


@pytest.mark.parametrize("method", METHODS)
def test_the_virtual_tokens_stay_and_come_along(tiny_base: Path, tmp_path: Path, method: str) -> None:
    start = fine_tuned(tmp_path / "sft", tiny_base, method)
    artifact = trained(tmp_path / "run", start)

    description = read_description(artifact)
    assert (description.adapter, description.base_sha256) == (True, artifact_sha256(tiny_base))
    assert artifact_sha256(start) in (artifact / "README.md").read_text()
    kept, given = ((folder / models.ADAPTER_WEIGHTS).read_bytes() for folder in (artifact / models.BEFORE, start))
    assert kept == given, "virtual tokens learn no more"

    judge = load_judge(artifact)
    with_tokens = judge.members(ASKED, ANSWERS)
    del judge.model.virtual["reward"]
    assert not torch.allclose(judge.members(ASKED, ANSWERS), with_tokens, atol=1e-3), "they are read"


def test_scores_are_those_of_the_training_wherever_the_model_is_loaded(tiny_base: Path, tmp_path: Path) -> None:
    start = fine_tuned(tmp_path / "sft", tiny_base, "prefix")
    artifact = trained(tmp_path / "run", start)
    alone = load_judge(artifact)
    expected = alone.members(ASKED, ANSWERS)

    roles = cast.assemble(start, artifact, PpoConfig(), seed=0)

    assert roles.reward is not None
    assert roles.reward.model is roles.reference.model, "one base in memory"
    beside = type(alone)(roles.reward.model, roles.reward, alone.head)
    before = roles.reference.model.virtual["reference"]
    torch.testing.assert_close(beside.members(ASKED, ANSWERS), expected, atol=1e-5, rtol=1e-5)
    assert roles.reference.model.virtual["reference"] is before


def test_what_cannot_be_done_with_virtual_tokens_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    start = fine_tuned(tmp_path / "sft", tiny_base, "prefix")
    with pytest.raises(BadArtifactError, match="use lora"):
        trained(tmp_path / "full", start, method="full")
    artifact = trained(tmp_path / "run", start)
    with pytest.raises(BadArtifactError, match="behind virtual tokens"):
        export_classifier(artifact, tmp_path / "classifier")


def test_lora_on_a_policy_is_no_start(tiny_base: Path, tmp_path: Path) -> None:
    model = models.load_base(tiny_base)
    models.add_adapter(model, "policy", rank=2, alpha=4, layers=0)
    folder = tmp_path / "policy"
    folder.mkdir()
    models.save_adapter(model, "policy", folder)
    describe(folder, Description(kind="policy", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / models.BASE).symlink_to(tiny_base)
    with pytest.raises(BadArtifactError, match="is a LoRA adapter, not virtual tokens"):
        trained(tmp_path / "run", folder)
