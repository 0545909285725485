"""The head that turns a completion's hidden states into a score, alone or as an ensemble over one trunk.

It says itself which states it reads, so that whoever loads it reads alike.
"""

from pathlib import Path
from typing import Final, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workers.rlhf.artifacts import BadArtifactError
from workers.rlhf.models import LanguageModel
from workers.rlhf.prefix import States

Read = Literal["stop", "mean"]

HEAD_WEIGHTS: Final = "score_head.safetensors"
# In the file of a head that reads the mean, and in no other: what was saved before reads the stop token, and a program
# that knows of no mean refuses the file instead of reading it elsewhere.
READS_MEAN: Final = "reads_mean"


class ScoreHead(nn.Module):
    """One number from the hidden state of a completion's stop token, or from the mean over its tokens, in fp32.

    The head is linear, so that its value at the mean of the states is the mean of its values at each token.

    `gain` and `bias` put scores on a scale that survives retraining: the SD within a prompt is 1, the mean 0.
    An ensemble has several members; its score is their mean, which is again one linear map (`weight`).
    """

    gain: Tensor
    bias: Tensor
    members_Hd: nn.Parameter | None

    def __init__(self, width: int, members: int = 1, *, read: Read = "stop") -> None:
        super().__init__()
        # Initial scores of unit size: N(0, 1 / (d + 1)).
        start_Hd = torch.randn(members, width) / (width + 1) ** 0.5
        ensemble = members > 1
        self.members_Hd = nn.Parameter(start_Hd) if ensemble else None
        self.weight = nn.Parameter(start_Hd.mean(dim=0) if ensemble else start_Hd[0], requires_grad=not ensemble)
        self.register_buffer("gain", torch.tensor(1.0))
        self.register_buffer("bias", torch.tensor(0.0))
        if read == "mean":
            self.register_buffer(READS_MEAN, torch.tensor(data=True))

    @property
    def read(self) -> Read:
        """Where the score is read."""
        return "mean" if READS_MEAN in self._buffers else "stop"

    def read_from(self, states: States, reply_mask_NR: Tensor) -> Tensor:
        """What the score is made of [N, d]: a reply's state at its last real token, or the mean over all of them."""
        return states.mean(reply_mask_NR) if self.read == "mean" else states.last(reply_mask_NR)

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
        head = ScoreHead(model.width, len(state.get("members_Hd", [0])), read="mean" if READS_MEAN in state else "stop")
        head.load_state_dict(state)
    except (OSError, RuntimeError) as error:
        raise BadArtifactError(f"{folder.name}: no score head that fits: {error}") from error
    return head.to(model.device).requires_grad_(requires_grad=False)
