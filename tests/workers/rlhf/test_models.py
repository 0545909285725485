import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from workers.rlhf import models
from workers.rlhf.artifacts import BadArtifactError, Description, describe, seal
from workers.rlhf.heads import ScoreHead, load_head, save_head
from workers.rlhf.models import LanguageModel
from workers.rlhf.prefix import Dialogues, dialogues


@pytest.fixture
def batch(tiny: LanguageModel) -> Dialogues:
    return dialogues([[20, 21, 22]], [[[40, 41, 2], [42, 2]]], tiny.chat.pad_id)


def states(model: LanguageModel, batch: Dialogues, adapter: str | None) -> Tensor:
    with torch.no_grad():
        return model.upper(batch, adapter).reply_NRd


def scrambled(model: LanguageModel, adapter: str) -> None:
    models.add_adapter(model, adapter, rank=2, alpha=4, layers=0)
    for weight in model.parameters_of(adapter):
        torch.nn.init.normal_(weight, std=0.2)


def saved(model: LanguageModel, adapter: str, folder: Path, base: Path) -> Path:
    folder.mkdir()
    models.save_adapter(model, adapter, folder)
    describe(folder, Description(kind="policy", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(base)
    return folder


def test_a_new_adapter_changes_nothing_until_it_is_trained(tiny: LanguageModel, batch: Dialogues) -> None:
    bare = states(tiny, batch, None)
    models.add_adapter(tiny, "policy", rank=2, alpha=4, layers=0)
    assert torch.equal(states(tiny, batch, "policy"), bare)


def test_each_role_sees_only_its_own_adapter(tiny: LanguageModel, batch: Dialogues) -> None:
    bare = states(tiny, batch, None)
    scrambled(tiny, "policy")
    scrambled(tiny, "reward")
    policy, reward = states(tiny, batch, "policy"), states(tiny, batch, "reward")
    assert not torch.allclose(policy, bare)
    assert not torch.allclose(policy, reward)
    assert torch.equal(states(tiny, batch, None), bare)
    assert torch.equal(states(tiny, batch, "policy"), policy)


def test_only_the_active_adapter_gets_a_gradient(tiny: LanguageModel, batch: Dialogues) -> None:
    scrambled(tiny, "reward")
    scrambled(tiny, "policy")
    tiny.upper(batch, "policy").reply_NRd.sum().backward()
    assert all(weight.grad is not None for weight in tiny.parameters_of("policy"))
    assert all(weight.grad is None for weight in tiny.parameters_of("reward"))
    assert tiny.vocabulary_head.weight.grad is None


def test_a_saved_adapter_comes_back_exactly(
    tiny: LanguageModel, batch: Dialogues, tiny_base: Path, tmp_path: Path
) -> None:
    scrambled(tiny, "policy")
    folder = saved(tiny, "policy", tmp_path / "policy", tiny_base)
    again = models.load_model(folder, "another name")
    assert torch.equal(states(again, batch, "another name"), states(tiny, batch, "policy"))
    assert "tiny" not in (folder / "adapter_config.json").read_text()


def test_an_adapter_of_another_base_is_refused(tiny: LanguageModel, tiny_base: Path, tmp_path: Path) -> None:
    scrambled(tiny, "policy")
    folder = saved(tiny, "policy", tmp_path / "policy", tiny_base)
    (folder / "base").unlink()
    shutil.copytree(tiny_base, folder / "base")
    (folder / "base" / "README.md").write_text("another one")
    seal(folder / "base")
    with pytest.raises(BadArtifactError, match="made for base"):
        models.load_model(folder, "policy")


def test_only_safetensors_are_loaded(tiny_base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_base, tmp_path / "pickled"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadArtifactError, match="no safetensors"):
        models.load_base(folder)


def test_dropout_is_off(tiny: LanguageModel) -> None:
    assert not any(module.training for module in tiny.causal.modules())
    models.add_adapter(tiny, "policy", rank=2, alpha=4, layers=0)
    assert all(
        getattr(module, "p", 0.0) == 0.0 for module in tiny.causal.modules() if "Dropout" in type(module).__name__
    )


def test_the_head_starts_with_unit_variance_for_unit_states() -> None:
    torch.manual_seed(0)
    head = ScoreHead(4096)
    assert float(head.weight.detach().std()) == pytest.approx(4097**-0.5, rel=0.05)
    hidden = torch.randn(500, 4096, dtype=torch.bfloat16)
    assert head(hidden).dtype == torch.float32
    assert float(head(hidden).detach().std()) == pytest.approx(1, rel=0.1)


def test_a_head_is_saved_with_gain_and_bias(tiny: LanguageModel, tmp_path: Path) -> None:
    head = ScoreHead(tiny.width)
    head.gain.fill_(3.0)
    head.bias.fill_(-1.0)
    save_head(head, tmp_path)
    hidden = torch.randn(2, tiny.width)
    assert torch.equal(load_head(tmp_path, tiny)(hidden), head(hidden))
    assert torch.allclose(head(hidden), 3 * head.raw(hidden) - 1)
    with pytest.raises(BadArtifactError, match="no score head"):
        load_head(tmp_path / "nowhere", tiny)
