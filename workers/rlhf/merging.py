"""Put a LoRA adapter into the weights it was trained on, so that the result needs no adapter any more."""

from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer

from workers.rlhf.models import LanguageModel, load_base


def merged(model: LanguageModel, adapter: str, folder: Path) -> LanguageModel:
    """The base in `folder`, read anew, with the adapter added to its weights once, in fp32.

    What was trained on stays as it is: adding and taking off again would not give the same bits back.
    """
    fresh = load_base(folder, full=True)
    layers = dict(fresh.causal.named_modules())
    with torch.no_grad():
        for name, layer in model.causal.named_modules():
            if isinstance(layer, LoraLayer) and adapter in layer.lora_A:
                adapted: Any = layer
                weight: Any = layers[name].weight
                weight += adapted.get_delta_weight(adapter).to(weight.device, torch.float32)
    return fresh
