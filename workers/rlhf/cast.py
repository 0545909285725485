"""The four roles of PPO, on one base in memory wherever they share it.

Shapes: M = tokens, N = completions, d = width.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from workers.rlhf import models
from workers.rlhf.artifacts import BadArtifactError, read_description
from workers.rlhf.configs import PpoConfig
from workers.rlhf.heads import ScoreHead, load_head
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.prefix import Dialogues

POLICY: Final = "policy"
REFERENCE: Final = "reference"
REWARD: Final = "reward"
RIDGE: Final = 1.0


class ValueHead(nn.Module):
    """What the rest of a completion will bring, from the policy's state before each token; in fp32, 0 at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, hidden: Tensor) -> Tensor:
        """Values [...] of states [..., d]."""
        return hidden.float() @ self.weight + self.bias

    @torch.no_grad()
    def fit(self, hidden_Md: Tensor, return_M: Tensor) -> None:
        """Set the weights by ridge regression."""
        weight_d, bias = ridge(hidden_Md, return_M)
        self.weight.copy_(weight_d)
        self.bias.copy_(bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays: the policy learns, reference and reward stay as they are, the value head watches the policy."""

    policy: Role
    reference: Role
    reward: Role
    score_head: ScoreHead
    value_head: ValueHead

    def lower(self, batch: Dialogues) -> dict[int, Dialogues]:
        """The batch after each language model's frozen layers, by the model's identity."""
        roles = (self.policy, self.reference, self.reward)
        return {key: model.lower(batch) for key, model in {id(role.model): role.model for role in roles}.items()}

    def trained(self) -> dict[str, nn.Parameter]:
        """The policy's and the value head's weights, by names that a checkpoint keeps."""
        return {f"policy/{name}": weight for name, weight in policy_weights(self.policy).items()} | {
            f"value/{name}": weight for name, weight in self.value_head.named_parameters()
        }


def policy_weights(policy: Role) -> dict[str, nn.Parameter]:
    """The weights that PPO trains in the policy."""
    if policy.adapter is None:
        return dict(policy.model.causal.named_parameters())
    return {str(place): weight for place, weight in enumerate(policy.model.parameters_of(policy.adapter))}


def assemble(policy_folder: Path, reward_folder: Path, config: PpoConfig, *, seed: int) -> Cast:
    """Load all roles. The reward model shares the base if it was trained on the same weights.

    Raises:
        BadArtifactError: roles that don't fit together.
    """
    policy, reference = full_pair(policy_folder) if config.method == "full" else lora_pair(policy_folder, config, seed)
    reward = reward_role(reward_folder, reference.model)
    if reward.model.chat.stop_id != policy.model.chat.stop_id or len(reward.model.chat.tokenizer) != len(
        policy.model.chat.tokenizer
    ):
        raise BadArtifactError("policy and reward model must share a tokenizer: tokens go from one to the other")
    for model in {id(role.model): role.model for role in (policy, reference, reward)}.values():
        model.cut()
    head = load_head(reward_folder, reward.model)
    value_head = ValueHead(policy.model.width).to(policy.model.device)
    return Cast(policy=policy, reference=reference, reward=reward, score_head=head, value_head=value_head)


def lora_pair(folder: Path, config: PpoConfig, seed: int) -> tuple[Role, Role]:
    """Policy and reference on one base: the reference is the policy's adapter as it was, or no adapter at all."""
    _, description = models.base_of(folder)
    if description.adapter:
        model = models.load_model(folder, POLICY)
        models.add_saved_adapter(model, folder, REFERENCE)
        return Role(model, POLICY), Role(model, REFERENCE)
    model = models.load_base(folder)
    with models.fresh_seed(seed):
        models.add_adapter(model, POLICY, rank=config.lora_rank, alpha=config.lora_alpha, layers=config.lora_layers)
    return Role(model, POLICY), Role(model, None)


def full_pair(folder: Path) -> tuple[Role, Role]:
    """Policy and reference as two copies of the same weights, both in fp32: rounding must not set them apart."""
    if read_description(folder).adapter:
        raise BadArtifactError(f"{folder.name}: is an adapter; full training starts from whole weights")
    reference = models.load_base(folder, full=True)
    reference.freeze()
    return Role(models.load_base(folder, full=True), None), Role(reference, None)


def reward_role(folder: Path, beside: LanguageModel) -> Role:
    """The reward model, as an adapter beside the reference where the bases agree, else loaded apart."""
    base, description = models.base_of(folder)
    if description.kind != "reward":
        raise BadArtifactError(f"{folder.name}: is a {description.kind} model, not a reward model")
    if description.adapter and base == beside.base_sha256:
        models.add_saved_adapter(beside, folder, REWARD)
        return Role(beside, REWARD)
    model = models.load_model(folder, REWARD)
    model.freeze()
    return Role(model, REWARD if description.adapter else None)


def ridge(hidden_Md: Tensor, return_M: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [d] and bias of a ridge regression, in fp64; the penalty is relative to the states' own size."""
    x_Md, y_M = hidden_Md.double(), return_M.double()
    mean_d, mean = x_Md.mean(dim=0), y_M.mean()
    centred_Md = x_Md - mean_d
    gram_dd = centred_Md.T @ centred_Md
    penalty = RIDGE * gram_dd.diagonal().mean().clamp(min=1e-8)
    weight_d = torch.linalg.solve(
        gram_dd + penalty * torch.eye(len(mean_d), dtype=x_Md.dtype, device=x_Md.device), centred_Md.T @ (y_M - mean)
    )
    return weight_d.float(), (mean - mean_d @ weight_d).float()
