"""The reward of `equal_learning` for a trainer of plain transformers: the same scores as our engine's.

Needs neither our engine nor the peer. Shapes: N = rows, T = tokens.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification
from transformers.modeling_outputs import BaseModelOutput


class Judge(nn.Module):
    """A sequence classifier that reads a stop token behind a completion that was cut, as it has seen every text end.

    It looks like a transformers model to trainers that read scores as `score(backbone(…).hidden_states[-1])`: every
    place of a row then holds the row's score.
    """

    base_model_prefix = "backbone"

    def __init__(self, folder: str, stop_id: int) -> None:
        super().__init__()
        self.classifier = whole_classifier(folder)
        self.stop_id = stop_id

    def backbone(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> BaseModelOutput:
        """Scores [N, T, 1], as hidden states, of rows whose real tokens are together, wherever the padding is."""
        ids_NT, real_NT = ended(input_ids, attention_mask.bool(), self.stop_id)
        position_NT = (real_NT.cumsum(dim=1) - 1).clamp(min=0)
        hidden_NTd = self.classifier.model(
            input_ids=ids_NT, attention_mask=real_NT, position_ids=position_NT, use_cache=False
        ).last_hidden_state
        score_N = self.classifier.score(hidden_NTd[torch.arange(len(ids_NT)), last_of(real_NT)]).squeeze(-1)
        score_NT1 = score_N[:, None, None].expand(*input_ids.shape, 1)
        return BaseModelOutput(last_hidden_state=score_NT1, hidden_states=(score_NT1,))

    def score(self, hidden: Tensor) -> Tensor:
        """Scores are there already."""
        return hidden


def whole_classifier(folder: str) -> Any:
    """The classifier with the constant that its family's head has no place for."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, dtype=torch.float32)
    head = nn.Linear(model.score.in_features, 1)
    with torch.no_grad():
        head.weight.copy_(model.score.weight)
        head.bias.fill_(model.config.reward_bias)
    model.score = head
    return model


def ended(ids_NT: Tensor, real_NT: Tensor, stop_id: int) -> tuple[Tensor, Tensor]:
    """The same rows, one place wider, each with a stop token at its end."""
    rows = torch.arange(len(ids_NT))
    last_N = last_of(real_NT)
    open_N = ids_NT[rows, last_N] != stop_id
    ids_NT = torch.cat([ids_NT, torch.zeros_like(ids_NT[:, :1])], dim=1)
    real_NT = torch.cat([real_NT, torch.zeros_like(real_NT[:, :1])], dim=1)
    ids_NT[rows[open_N], last_N[open_N] + 1] = stop_id
    real_NT[rows[open_N], last_N[open_N] + 1] = True
    return ids_NT, real_NT


def last_of(real_NT: Tensor) -> Tensor:
    """The place [N] of each row's last real token."""
    place_T = torch.arange(real_NT.size(1))
    return torch.where(real_NT, place_T, -1).amax(dim=1)
