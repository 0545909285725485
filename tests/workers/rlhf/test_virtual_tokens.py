"""Virtual tokens: what peft makes of the saved files is what we make of them."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from workers.rlhf import models
from workers.rlhf.artifacts import BadArtifactError, Description, describe, seal
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.prefix import as_rows, dialogues
from workers.rlhf.sampling import Sampling, sample

METHODS = ["p_tuning", "prefix"]
WORDS = [20, 21, 22, 23]


def trained(model: LanguageModel, method: str) -> Role:
    with models.fresh_seed(1):
        models.add_virtual_tokens(model, "sft", method, WORDS)
        for weight in model.parameters_of("sft"):
            weight.data += 0.1 * torch.randn_like(weight)
    return Role(model, "sft")


def saved(role: Role, folder: Path, base: Path) -> Path:
    folder.mkdir()
    models.save_adapter(role.model, role.adapter, folder)
    describe(folder, Description(kind="sft", base_sha256=role.model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(base)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_peft_reads_the_same_from_the_saved_files(
    tiny: LanguageModel, tiny_base: Path, tmp_path: Path, method: str
) -> None:
    role = trained(tiny, method)
    folder = saved(role, tmp_path / "sft", tiny_base)
    peft = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), str(folder))
    batch = dialogues([[20, 21, 22]], [[[40, 41, 2]]], tiny.chat.pad_id)
    with torch.no_grad():
        expected = peft(input_ids=torch.tensor([[20, 21, 22, 40, 41, 2]])).logits[0, -3:]
        got = tiny.vocabulary_head(role.states(batch).reply_NRd[0])
        again = models.load_model(folder, "policy")
        reloaded = again.vocabulary_head(Role(again, "policy").states(batch).reply_NRd[0])
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(reloaded, got, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_padding_moves_nothing_and_other_roles_see_nothing(tiny: LanguageModel, method: str) -> None:
    bare = dialogues([[20, 21, 22]], [[[40, 41, 2]]], tiny.chat.pad_id)
    before = Role(tiny, None).states(bare).reply_NRd
    role = trained(tiny, method)
    beside = dialogues([[20, 21, 22], [20, 21, 22, 23, 24]], [[[40, 41, 2]], [[50, 2], [51, 2]]], tiny.chat.pad_id)
    with torch.no_grad():
        alone, together = role.states(bare).reply_NRd[0], role.states(beside).reply_NRd[0]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(alone, before[0], atol=1e-2)
    assert torch.equal(Role(tiny, None).states(bare).reply_NRd, before)


@pytest.mark.parametrize("method", METHODS)
def test_samples_come_from_behind_the_virtual_tokens(tiny: LanguageModel, method: str) -> None:
    role = trained(tiny, method)
    prompts = [[20, 21, 22], [30, 31]]
    written = sample(role, prompts, [0, 0, 1], [1, 2, 3], Sampling(max_new_tokens=6))
    batch = dialogues(prompts, [[written[0].ids, written[1].ids], [written[2].ids]], tiny.chat.pad_id)
    with torch.no_grad():
        logits = tiny.vocabulary_head(role.states(batch).before(batch.owner_N))
    logprobs = torch.log_softmax(logits, dim=-1).gather(2, batch.reply[:, :, None])[:, :, 0]
    for row, completion in enumerate(written):
        told = torch.tensor(completion.logprobs)
        torch.testing.assert_close(logprobs[row, : len(told)], told, atol=1e-4, rtol=1e-4)


def test_a_prefix_begins_as_real_words_so_little_changes(tiny: LanguageModel) -> None:
    models.add_virtual_tokens(tiny, "sft", "prefix", WORDS)
    batch = dialogues([[40, 41]], [[[42, 2]]], tiny.chat.pad_id)
    behind_words = dialogues([[*WORDS, 40, 41]], [[[42, 2]]], tiny.chat.pad_id)
    with torch.no_grad():
        got = Role(tiny, "sft").states(batch).reply_NRd
        expected = Role(tiny, None).states(behind_words).reply_NRd
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_only_the_virtual_tokens_learn(tiny: LanguageModel, method: str) -> None:
    role = trained(tiny, method)
    tiny.cut()
    batch = tiny.lower(dialogues([[20, 21, 22]], [[[40, 41, 2]]], tiny.chat.pad_id))
    role.states(batch).reply_NRd.sum().backward()
    assert all(weight.grad is not None for weight in tiny.parameters_of("sft"))
    assert all(weight.grad is None for weight in tiny.causal.parameters())


def test_a_model_without_plain_keys_is_refused(tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "shares_prefix", lambda _: False)
    with pytest.raises(BadArtifactError, match="virtual tokens"):
        models.add_virtual_tokens(tiny, "sft", "prefix", WORDS)
    assert as_rows(tiny.backbone, dialogues([[20]], [[[40]]], 0)).reply_NRd.shape[:2] == (1, 1)
