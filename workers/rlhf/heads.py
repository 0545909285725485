"""The head that turns a completion's last hidden state into a score, alone or as an ensemble over one trunk."""

from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workers.rlhf.artifacts import BadArtifactError
from workers.rlhf.models import LanguageModel

HEAD_WEIGHTS: Final = "score_head.safetensors"


class ScoreHead(nn.Module):
    """One number from the hidden state of a completion's last token, in fp32.

    `gain` and `bias` put scores on a scale that survives retraining: the SD within a prompt is 1, the mean 0.
    An ensemble has several members; its score is their mean, which is again one linear map (`weight`).
    """

    gain: Tensor
    bias: Tensor
    members_Hd: nn.Parameter | None

    def __init__(self, width: int, members: int = 1) -> None:
        super().__init__()
        # Initial scores of unit size: N(0, 1 / (d + 1)).
        start_Hd = torch.randn(members, width) / (width + 1) ** 0.5
        ensemble = members > 1
        self.members_Hd = nn.Parameter(start_Hd) if ensemble else None
        self.weight = nn.Parameter(start_Hd.mean(dim=0) if ensemble else start_Hd[0], requires_grad=not ensemble)
        self.register_buffer("gain", torch.tensor(1.0))
        self.register_buffer("bias", torch.tensor(0.0))

    @property
    def trained(self) -> nn.Parameter:
        """The weights that training changes."""
        return self.weight if self.members_Hd is None else self.members_Hd

    def raw(self, hidden_Nd: Tensor) -> Tensor:
        """Scores [N] as trained, before gain and bias; the mean of an ensemble's members."""
        return hidden_Nd.float() @ (self.weight if self.members_Hd is None else self.members_Hd.mean(dim=0))

    def raw_members(self, hidden_Nd: Tensor) -> Tensor:
        """Scores [N, H] of each member, before gain and bias."""
        hidden_Nd = hidden_Nd.float()
        return hidden_Nd @ (self.weight[:, None] if self.members_Hd is None else self.members_Hd.T)

    def forward(self, hidden_Nd: Tensor) -> Tensor:
        """Scores [N] in units of the within-prompt SD."""
        return self.gain * self.raw(hidden_Nd) + self.bias

    def members(self, hidden_Nd: Tensor) -> Tensor:
        """Scores [N, H] of each member, in units of the within-prompt SD."""
        return self.gain * self.raw_members(hidden_Nd) + self.bias

    @torch.no_grad()
    def fold(self) -> None:
        """Make `weight` the mean of the members, for readers that know no ensembles."""
        if self.members_Hd is not None:
            self.weight.copy_(self.members_Hd.mean(dim=0))


def spread(score_NH: Tensor) -> Tensor:
    """SD [N] over members of each completion's score, less each member's mean for the prompt.

    A member's own level for a prompt was never learnt, so that only scores around it can agree or disagree.
    """
    return (score_NH - score_NH.mean(dim=0)).std(dim=1, correction=0)


def save_head(head: ScoreHead, folder: Path) -> None:
    """Write a score head with its gain and bias."""
    head.fold()
    save_file(
        {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}, folder / HEAD_WEIGHTS
    )


def load_head(folder: Path, model: LanguageModel) -> ScoreHead:
    """Load a score head onto the model's device.

    Raises:
        BadArtifactError: the folder has no head, or one of another width.
    """
    try:
        state = load_file(folder / HEAD_WEIGHTS)
        head = ScoreHead(model.width, len(state.get("members_Hd", [0])))
        head.load_state_dict(state)
    except (OSError, RuntimeError) as error:
        raise BadArtifactError(f"{folder.name}: no score head that fits: {error}") from error
    return head.to(model.device).requires_grad_(requires_grad=False)
