import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.tiny_model import EXCHANGES, conversations
from tests.workers.rlhf.conftest import ranked_rows, write_job
from tests.workers.rlhf.test_sft import launched, metrics_of
from workers.rlhf import models, pretrain, sample, text_tokens
from workers.rlhf.artifacts import read_description, verify
from workers.rlhf.bpe import SMALLEST, train_tokenizer
from workers.rlhf.cli import main
from workers.rlhf.data import BadDataError, chat_of
from workers.rlhf.language_configs import PretrainConfig
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.prefix import dialogues
from workers.rlhf.sampling import Sampling
from workers.rlhf.sampling import sample as write
from workers.rlhf.text_tokens import TextTokens, open_tokens, write_tokens

TEXT = "".join(f"{ask} {answer}\nÄpfel, 東京 and a number: {n}.\n" for n, (ask, answer) in enumerate(EXCHANGES)) * 6
QUICK = {
    "layers": 2,
    "width": 32,
    "heads": 2,
    "vocabulary": 300,
    "context": 32,
    "steps": 30,
    "rows_per_step": 8,
    "learning_rate": 5e-3,
    "evaluate_every": 15,
    "checkpoint_every": 10,
    "sample_tokens": 6,
    "evaluation_tokens": 200,
}
PRESETS = ["gpt1", "gpt2", "llama-small"]


def pretrain_job(folder: Path, roles: dict | None = None, **more) -> Path:
    config = QUICK | more.pop("config", {})
    write_job(folder, "pretrain", [], roles or {}, config=config, **more)
    (folder / "data.jsonl").unlink()
    (folder / "data.txt").write_text(TEXT, encoding="utf-8")
    return folder


def test_any_text_comes_back_from_its_tokens_and_bytes_alone_are_a_vocabulary() -> None:
    for vocabulary in (SMALLEST, 400):
        tokenizer = train_tokenizer([TEXT], vocabulary)
        assert len(tokenizer) <= vocabulary
        for text in (TEXT, "never seen: 🦜 <|im_end|> \t\n  x"):
            ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
            assert tokenizer.decode(ids) == text
            assert tokenizer.eos_token_id not in ids
            assert vocabulary > SMALLEST or len(ids) == len(text.encode())
    chat = chat_of(tokenizer)
    assert len({chat.pad_id, chat.stop_id, tokenizer.eos_token_id}) == 3


def test_the_same_text_gives_the_same_tokenizer(tmp_path: Path) -> None:
    for name in ("a", "b"):
        train_tokenizer(iter([TEXT]), 400).save_pretrained(tmp_path / name)
    assert (tmp_path / "a" / "tokenizer.json").read_bytes() == (tmp_path / "b" / "tokenizer.json").read_bytes()


def test_tokens_in_a_file_are_those_of_the_whole_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tokens, "BLOCK", 50)
    tokenizer = train_tokenizer([TEXT], 400)
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    tokens = write_tokens(tmp_path / "a.txt", tokenizer, tmp_path / "a")
    assert isinstance(tokens.ids, np.memmap)
    assert tokens.ids.dtype == np.uint16
    assert tokens.window(0, len(tokens.ids)) == [*tokenizer.encode(TEXT), tokenizer.eos_token_id]
    assert tokens.text_bytes == len(TEXT.encode())
    assert open_tokens(tmp_path / "a").window(3, 4) == tokens.window(3, 4)


def test_documents_end_with_the_end_token(tmp_path: Path) -> None:
    tokenizer = train_tokenizer([TEXT], 300)
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write('{"text": "one"}\n{"text": "two"}\n')
    ids = write_tokens(path, tokenizer, tmp_path / "a").window(0, 100)
    end = tokenizer.eos_token_id
    assert ids == [*tokenizer.encode("one"), end, *tokenizer.encode("two"), end]
    (tmp_path / "bad.jsonl").write_text('{"text": "one"}\n{"words": 1}\n')
    with pytest.raises(BadDataError, match="line 2"):
        write_tokens(tmp_path / "bad.jsonl", tokenizer, tmp_path / "b")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(BadDataError, match="no text"):
        write_tokens(tmp_path / "empty.txt", tokenizer, tmp_path / "c")


def test_windows_never_reach_into_what_is_held_out() -> None:
    text = TextTokens(np.arange(1000, dtype=np.uint16), 1000)
    config = PretrainConfig(context=32, rows_per_step=64, steps=3, evaluation_tokens=70)
    plan = pretrain.Windows(text, 900, config, seed=1)
    rows = [row for step in range(3) for row in plan.rows(step)]
    assert max(max(row.ids) for row in rows) < 900
    assert {len(row.ids) for row in rows} == {33}
    assert [row.ids for row in plan.rows(1)] == [row.ids for row in pretrain.Windows(text, 900, config, 1).rows(1)]
    held = pretrain.held_out_windows(text, 900, config)
    learnt = [token for row in held for token in row.ids[1:]]
    assert learnt == list(range(901, 971))


@pytest.mark.parametrize("preset", PRESETS)
def test_from_nothing_to_a_base_that_every_stage_loads(preset: str, tmp_path: Path) -> None:
    folder = pretrain_job(tmp_path / "base", config={"preset": preset})
    events = launched(folder)
    losses = metrics_of(events, "eval/loss")
    assert losses[0] == pytest.approx(np.log(300), abs=0.3)
    assert losses[-1] < losses[0] - 1
    assert 0 < events[-1]["metrics"]["eval/bits_per_byte"] < losses[-1] / np.log(2)
    out = folder / "out"
    assert events[-1]["sha256"] == verify(out)
    assert read_description(out).kind == "base"
    assert AutoModelForCausalLM.from_pretrained(out).config.vocab_size == len(AutoTokenizer.from_pretrained(out))
    rows = [{"prompt": "Say", "completion": "No."}, {"prompt": "Is", "completion": "It is."}]
    config = {"minimum_steps": 1, "epochs": 1, "validation_share": 0.0, "samples_to_read": 1, "sample_tokens": 4}
    fine = launched(write_job(tmp_path / "sft", "sft", rows, {"base": out}, config=config))
    assert fine[-1]["type"] == "result"
    assert any("max_tokens is 32" in event.get("text", "") for event in fine)
    short = {"minimum_steps": 1, "lora_layers": 0, "max_prompt_tokens": 8, "max_completion_tokens": 8}
    judge = launched(write_job(tmp_path / "rm", "reward", ranked_rows(), {"base": out}, config=short))
    assert judge[-1]["type"] == "result"


@pytest.mark.parametrize("preset", ["gpt1", "gpt2"])
def test_a_model_without_kept_keys_writes_what_it_means(preset: str) -> None:
    tokenizer = train_tokenizer([TEXT], 300)
    with models.fresh_seed(3):
        causal = pretrain.untrained(PretrainConfig(**QUICK | {"preset": preset}), tokenizer)
    role = Role(LanguageModel(causal, chat_of(tokenizer), ""), None)
    prompts, owner = [[20, 21, 22], [30, 31]], [0, 0, 1]
    written = write(role, prompts, owner, [1, 2, 3], Sampling(max_new_tokens=6))
    assert max(len(done.ids) for done in write(role, prompts, owner, [1, 2, 3], Sampling(max_new_tokens=90))) <= 29
    with pytest.raises(BadDataError, match="reads at most 32"):
        write(role, [[20] * 32], [0], [1], Sampling(max_new_tokens=1))
    batch = dialogues(prompts, [[written[0].ids, written[1].ids], [written[2].ids]], role.model.chat.pad_id)
    with torch.no_grad():
        logits = role.model.vocabulary_head(role.states(batch).before(batch.owner_N))
    logprobs = torch.log_softmax(logits, dim=-1).gather(2, batch.reply[:, :, None])[:, :, 0]
    for row, completion in enumerate(written):
        said = torch.tensor(completion.logprobs)
        torch.testing.assert_close(logprobs[row, : len(said)], said, atol=1e-4, rtol=1e-4)


def test_a_base_learns_on_with_its_own_tokenizer(tiny_base: Path, tmp_path: Path) -> None:
    config = {"continued_learning_rate": 3e-3, "dropout": 0.1}
    folder = pretrain_job(tmp_path / "a", {"base": tiny_base}, config=config)
    events = launched(folder)
    losses = metrics_of(events, "eval/loss")
    assert losses[-1] < losses[0]
    assert not (folder / "tokenizer").exists()
    description = read_description(folder / "out")
    assert description.base_sha256 == verify(tiny_base)
    assert (folder / "out" / "tokenizer.json").read_text() == (tiny_base / "tokenizer.json").read_text()
    with pytest.raises(ValueError, match="reads at most 1024"):
        launched(pretrain_job(tmp_path / "b", {"base": tiny_base}, config={"context": 2048}))


@pytest.mark.parametrize("more", [{}, {"preset": "gpt2", "dropout": 0.2, "gradient_checkpointing": "on"}])
def test_a_resumed_run_ends_with_the_very_same_artifact(tmp_path: Path, more: dict) -> None:
    straight = pretrain_job(tmp_path / "a", config=more)
    told = launched(straight)
    again = pretrain_job(tmp_path / "b", config=more, resume=str(straight / "checkpoints" / "step-20"))
    events = launched(again)
    assert metrics_of(events, "loss") == metrics_of(told, "loss")[20:]
    assert events[-1]["sha256"] == told[-1]["sha256"]


def test_layers_are_not_worked_out_twice_where_the_family_can_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gradient_checkpointing: OpenAIGPTLMHeadModel needs it off"):
        launched(pretrain_job(tmp_path / "a", config={"preset": "gpt1", "gradient_checkpointing": "on"}))


def test_dropout_forgets_while_learning_only(tmp_path: Path) -> None:
    with_it = metrics_of(launched(pretrain_job(tmp_path / "a", config={"preset": "gpt2", "dropout": 0.5})), "eval/loss")
    without = metrics_of(launched(pretrain_job(tmp_path / "b", config={"preset": "gpt2"})), "eval/loss")
    assert with_it[0] == without[0]
    assert with_it[-1] > without[-1]
    role = sample.role_of(tmp_path / "a" / "out")
    assert not any(part.training for part in role.model.causal.modules())


@pytest.mark.parametrize(
    ("preset", "layers", "width", "context", "millions"),
    [("gpt1", 0, 0, 512, 116), ("gpt2", 0, 0, 1024, 124), ("llama-small", 0, 0, 256, 10.7), ("gpt2", 4, 128, 64, 0.8)],
)
def test_presets_have_the_sizes_of_their_papers(
    preset: str, layers: int, width: int, context: int, millions: float
) -> None:
    """GPT-1 has 116M weights with 40,478 tokens, GPT-2 124M with 50,257."""
    config = PretrainConfig(preset=preset, layers=layers, width=width, heads=4 if layers else 0, context=context)

    class Tokens:
        eos_token_id, pad_token_id = 0, 1

        def __len__(self) -> int:
            return {"gpt1": 40_478, "llama-small": 260}.get(preset, 260 if layers else 50_257)

    with torch.device("meta"):
        model = pretrain.untrained(config, Tokens())
    assert sum(weight.numel() for weight in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.06)


def test_heads_must_share_the_width() -> None:
    with pytest.raises(ValueError, match="heads"):
        pretrain.size_of(PretrainConfig(width=30, heads=4))


def test_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, config = tmp_path / "text.txt", tmp_path / "config.json"
    text.write_text(TEXT + "\n".join(conversations()), encoding="utf-8")
    config.write_text(json.dumps(QUICK | {"steps": 4}))
    words = ["train", "pretrain", "--config", str(config), "--data", str(text), "--out", str(tmp_path / "run")]
    assert main(words) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["kind"] == "pretrain"
    assert "→" in said.err
    assert main(words) == 0
