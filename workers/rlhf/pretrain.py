"""Train a language model on raw text: which architecture, which stretches of text at which step.

Presets: GPT-1 (Radford et al. 2018), GPT-2 (Radford et al. 2019), and a Llama of the size that a laptop can train.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    OpenAIGPTConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from workers.rlhf.language_configs import PretrainConfig
from workers.rlhf.packing import Row
from workers.rlhf.sampling import row_seed
from workers.rlhf.text_tokens import TextTokens


@dataclass(frozen=True, slots=True)
class Size:
    """How large a model is."""

    layers: int
    width: int
    heads: int


SIZES: Final = MappingProxyType({"gpt1": Size(12, 768, 12), "gpt2": Size(12, 768, 12), "llama-small": Size(6, 384, 6)})
# Llama's feed-forward part is 8/3 as wide as the model, rounded up to this.
ROUNDED_TO: Final = 64


def size_of(config: PretrainConfig) -> Size:
    """The architecture's own size with what the settings put in its place.

    Raises:
        ValueError: the width can't be shared between the heads.
    """
    own = SIZES[config.preset]
    size = Size(config.layers or own.layers, config.width or own.width, config.heads or own.heads)
    if size.width % size.heads or (size.width // size.heads) % 2:
        raise ValueError(f"heads: {size.heads} heads can't share a width of {size.width} in even parts")
    return size


def architecture(config: PretrainConfig, tokenizer: PreTrainedTokenizerBase) -> PreTrainedConfig:
    """The configuration of an untrained model of the preset, for a tokenizer."""
    size, drop = size_of(config), config.dropout
    tokens: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.eos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
    }
    if config.preset == "llama-small":
        return LlamaConfig(
            **tokens,
            hidden_size=size.width,
            intermediate_size=-(-8 * size.width // (3 * ROUNDED_TO)) * ROUNDED_TO,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.heads,
            max_position_embeddings=config.context,
            attention_dropout=drop,
        )
    family = OpenAIGPTConfig if config.preset == "gpt1" else GPT2Config
    shape: dict[str, Any] = {
        "n_embd": size.width,
        "n_layer": size.layers,
        "n_head": size.heads,
        "n_positions": config.context,
    }
    return family(**tokens, **shape, attn_pdrop=drop, embd_pdrop=drop, resid_pdrop=drop)


def untrained(config: PretrainConfig, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A model of the preset with random weights, in fp32."""
    family: Any = AutoModelForCausalLM
    model: PreTrainedModel = family.from_config(architecture(config, tokenizer), dtype=torch.float32)
    model.train(mode=False)
    return model


def set_dropout(causal: Any, share: float) -> None:
    """Give every dropout of a model the same share."""
    for part in causal.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = share
        if hasattr(part, "attention_dropout") and isinstance(part.attention_dropout, float):
            part.attention_dropout = share


@dataclass(frozen=True, slots=True)
class Windows:
    """The plan: at each step some stretches of text, from anywhere before the held-out end."""

    text: TextTokens
    learnt: int
    config: PretrainConfig
    seed: int

    @property
    def steps(self) -> int:
        """How many optimizer steps there are."""
        return self.config.steps

    def rows(self, step: int) -> list[Row]:
        """The texts of a step, counted from 0: each `context` tokens and the one after."""
        draw = torch.Generator().manual_seed(row_seed(self.seed, "window", step))
        length = min(self.config.context + 1, self.learnt)
        starts = torch.randint(self.learnt - length + 1, (self.config.rows_per_step,), generator=draw).tolist()
        return [window(self.text, start, length) for start in starts]


def window(text: TextTokens, start: int, length: int) -> Row:
    """A stretch of text of which all but the first token is learnt."""
    ids = text.window(start, length)
    return Row(ids, [True] * len(ids), f"text from token {start}")


def held_out_windows(text: TextTokens, learnt: int, config: PretrainConfig) -> list[Row]:
    """The held-out end in stretches that lie one after the other, as much of it as an evaluation reads."""
    end = min(len(text.ids), learnt + config.evaluation_tokens + 1)
    starts = range(learnt, end - 1, config.context)
    return [window(text, start, min(config.context + 1, end - start)) for start in starts]


def beginnings(rows: Sequence[Row], count: int, length: int) -> Iterator[list[int]]:
    """The first tokens of some texts, evenly chosen."""
    for place in range(count if rows else 0):
        yield list(rows[place * len(rows) // count].ids[:length])
