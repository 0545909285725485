"""A reward model as plain transformers loads it: `AutoModelForSequenceClassification` with one label.

The adapter is merged in fp32 into a copy of the base, the gain is folded into the head. The families' heads have no
bias: where the last normalisation has one, ours goes there; else the logits are our scores less a constant, which
`config.json` names (`reward_bias`). Only differences within a prompt mean anything, so nothing is lost.
"""

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from workers.rlhf import models
from workers.rlhf.artifacts import BadArtifactError, read_description
from workers.rlhf.heads import ScoreHead, load_head
from workers.rlhf.merging import merged
from workers.rlhf.reward import ADAPTER

LAST_NORMS: Final = ("norm", "ln_f", "final_layer_norm", "final_layernorm")


def export_classifier(artifact: Path, folder: Path) -> Path:
    """Write a reward artifact as a sequence classifier with its tokenizer into `folder`.

    Raises:
        BadArtifactError: no reward model, virtual tokens, a score over all tokens, or a family for which transformers
            has no such classifier.
    """
    description = read_description(artifact)
    if description.kind != "reward":
        raise BadArtifactError(f"{artifact.name}: is a {description.kind} model, not a reward model")
    if (artifact / models.BEFORE).is_dir():
        raise BadArtifactError(f"{artifact.name}: reads behind virtual tokens, which no sequence classifier has")
    model = models.load_model(artifact, ADAPTER, full=True)
    head = load_head(artifact, model)
    if head.read != "stop":
        raise BadArtifactError(f"{artifact.name}: its score is a mean over all tokens, a sequence classifier reads one")
    whole = merged(model, ADAPTER, artifact / models.BASE) if description.adapter else model
    classifier = classifier_of(whole, head)
    folder.mkdir(parents=True, exist_ok=True)
    classifier.save_pretrained(folder)
    models.save_tokenizer(whole, folder)
    return folder


@torch.no_grad()
def classifier_of(model: models.LanguageModel, head: ScoreHead) -> Any:
    """A sequence classifier with the weights of a whole language model and its score head, in fp32."""
    config = type(model.causal.config).from_dict(model.causal.config.to_dict())
    # It reads the last token that is no pad token: ours is never one that a text ends with.
    config.num_labels, config.pad_token_id = 1, model.chat.pad_id
    try:
        make: Any = AutoModelForSequenceClassification.from_config
        classifier = make(config, dtype=torch.float32)
    except ValueError as error:
        raise BadArtifactError(f"transformers has no sequence classifier for {config.model_type} models") from error
    classifier.base_model.load_state_dict({name: value.cpu() for name, value in model.backbone.state_dict().items()})
    weight_d, bias = (head.gain * head.weight).cpu(), float(head.bias)
    classifier.score.weight.copy_(weight_d[None])
    folded = fold_bias(classifier.base_model, weight_d, bias)
    classifier.config.reward_bias = 0.0 if folded else bias
    return classifier.eval()


def fold_bias(backbone: nn.Module, weight_d: Tensor, bias: float) -> bool:
    """Add a constant to the score through the last normalisation's own bias, if it has one."""
    norms = [norm for name in LAST_NORMS if (norm := getattr(backbone, name, None)) is not None]
    if len(norms) != 1 or getattr(norms[0], "bias", None) is None:
        return False
    norms[0].bias += weight_d * (bias / float(weight_d @ weight_d))
    return True
