"""Virtual tokens before every text: learnt embeddings (P-tuning v1), or learnt keys and values of every layer (v2).

P-tuning (Liu et al. 2021) puts vectors from a small encoder before the prompt; prefix tuning (Li & Liang 2021; P-tuning
v2, Liu et al. 2022) puts keys and values into every layer. Either way what follows sees K kept keys and values, and its
positions start at K. Encoders, names and files are those of peft, which can load what is saved here.

Shapes: K = virtual tokens, N = rows, D = numbers of a virtual token.
"""

from typing import Any, Final, Literal

import torch
from peft import PeftConfig, PrefixEncoder, PrefixTuningConfig, PromptEncoder, PromptEncoderConfig
from torch import Tensor, nn
from transformers import DynamicCache

SAVED: Final = "prompt_embeddings"
Method = Literal["p_tuning", "prefix"]


class VirtualTokens(nn.Module):
    """The virtual tokens of one adapter, in fp32; loaded ones have no encoder left, only what came out of it."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.is_prefix = isinstance(config, PrefixTuningConfig)
        self.encoder: Any = (PrefixEncoder if self.is_prefix else PromptEncoder)(config)

    @property
    def count(self) -> int:
        """K."""
        return int(self.config.num_virtual_tokens)

    def vectors(self) -> Tensor:
        """The virtual tokens [K, D]."""
        weight: Tensor = self.encoder.embedding.weight
        if self.config.inference_mode:
            return weight
        encoded: Tensor = self.encoder(torch.arange(self.count, device=weight.device))
        return encoded

    def cache(self, backbone: Any, rows: int) -> DynamicCache:
        """Keys and values of the virtual tokens for so many rows, with gradient to the virtual tokens."""
        cache = DynamicCache()
        if self.is_prefix:
            for layer, (key, value) in enumerate(self._keys_and_values(backbone.dtype)):
                cache.update(key, value, layer)
        else:
            ids_1K = torch.arange(self.count, device=backbone.device)[None]
            vectors_1KD = self.vectors()[None].to(backbone.dtype)
            backbone(inputs_embeds=vectors_1KD, position_ids=ids_1K, past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(rows)
        return cache

    def _keys_and_values(self, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
        # The order in which peft lays them out: token, layer, key then value, head.
        heads = int(self.config.num_attention_heads)
        parts = self.vectors().to(dtype).view(self.count, -1, heads, self.config.token_dim // heads)
        states = parts.permute(1, 2, 0, 3)[:, None]
        return [(states[place], states[place + 1]) for place in range(0, len(states), 2)]

    @torch.no_grad()
    def start_as(self, backbone: Any, ids: Tensor) -> None:
        """Let a prefix begin as the keys and values of K real tokens, so that at first it changes next to nothing.

        Random ones throw a model off (Li & Liang 2021, §7.3).
        """
        cache: Any = DynamicCache()
        backbone(input_ids=ids[None], past_key_values=cache, use_cache=True)
        states = [part[0] for layer in cache.layers for part in (layer.keys, layer.values)]
        self.encoder.embedding.weight.copy_(torch.stack(states).permute(2, 0, 1, 3).reshape(self.count, -1))

    def saved_state(self) -> dict[str, Tensor]:
        """What peft keeps: the virtual tokens without the encoder that made them."""
        return {SAVED: self.vectors().detach().cpu().contiguous().clone()}


def new_virtual_tokens(model_config: Any, method: Method, count: int) -> VirtualTokens:
    """Untrained virtual tokens for a model."""
    heads = int(model_config.num_attention_heads)
    width = int(model_config.hidden_size)
    shape: dict[str, Any] = {
        "task_type": "CAUSAL_LM",
        "num_virtual_tokens": count,
        "num_transformer_submodules": 1,
        "num_layers": int(model_config.num_hidden_layers),
        "encoder_hidden_size": width,
    }
    if method == "p_tuning":
        return VirtualTokens(PromptEncoderConfig(**shape, token_dim=width, num_attention_heads=heads))
    key_heads = int(getattr(model_config, "num_key_value_heads", None) or heads)
    head_width = int(getattr(model_config, "head_dim", None) or width // heads)
    return VirtualTokens(PrefixTuningConfig(**shape, token_dim=key_heads * head_width, num_attention_heads=key_heads))


def saved_virtual_tokens(config: PeftConfig, state: dict[str, Tensor]) -> VirtualTokens:
    """Trained virtual tokens, as they were saved."""
    config.inference_mode = True
    tokens = VirtualTokens(config)
    with torch.no_grad():
        tokens.encoder.embedding.weight.copy_(state[SAVED])
    return tokens
