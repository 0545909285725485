"""A language model made on the spot: a trained byte-level BPE and a two-layer Llama, saved as a base artifact.

Small enough for a test, complete in every other way: chat template, special tokens, pad that is not the end token.
Words come out of it because it reads its little corpus a few dozen times.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from workers.rlhf.artifacts import CARD, Description, describe, seal

SPECIAL_TOKENS = ["<|pad|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
EXCHANGES = [
    ("Say hello.", "Hello, and thank you for asking."),
    ("What is a river?", "A river is water that runs to the sea."),
    ("Name a colour.", "Blue is a colour, please enjoy it."),
    ("Where do birds sleep?", "Birds sleep in trees, thank you."),
    ("How do I make tea?", "Please put hot water on the leaves and wait."),
    ("Count to three.", "One, two, three."),
    ("What do cats eat?", "Cats eat fish and they sleep a lot."),
    ("Is the sea deep?", "The sea is deep and blue, and it is cold."),
]


Exchanges = Sequence[tuple[str, str]]


def build_tiny_model(folder: Path, *, seed: int = 0, steps: int = 60, exchanges: Exchanges = EXCHANGES) -> Path:
    """Write the tiny base artifact into `folder` (made if need be) and return it. Same seed, same weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer(exchanges)
    tokenizer.save_pretrained(folder)
    tiny_llama(tokenizer, seed=seed, steps=steps, exchanges=exchanges).save_pretrained(folder)
    (folder / CARD).write_text("A two-layer model for tests.\n", encoding="utf-8")
    describe(folder, Description(kind="base"))
    seal(folder)
    return folder


def tiny_tokenizer(exchanges: Exchanges = EXCHANGES) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on the corpus; every UTF-8 text can be encoded."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([f"user assistant system {ask} {answer}" for ask, answer in exchanges] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|pad|>"
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tiny_llama(
    tokenizer: PreTrainedTokenizerFast, *, seed: int, steps: int, exchanges: Exchanges = EXCHANGES
) -> LlamaForCausalLM:
    """Two layers of width 64 that have read the exchanges `steps` times."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(tiny_config(tokenizer))
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
        batch = tokenizer(conversations(exchanges), return_tensors="pt", padding=True, add_special_tokens=False)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        for _ in range(steps):
            model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return model.eval()


def tiny_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def conversations(exchanges: Exchanges = EXCHANGES) -> list[str]:
    return [
        f"<|im_start|>user\n{ask}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n" for ask, answer in exchanges
    ]
