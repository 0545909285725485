"""The roles of RLHF, on one base in memory wherever they share it.

Shapes: M = tokens, N = completions, d = width.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from workers.rlhf import models
from workers.rlhf.alternative_configs import BestOfNConfig, DpoConfig
from workers.rlhf.artifacts import BadArtifactError, read_description
from workers.rlhf.data import Chat
from workers.rlhf.forms import choose
from workers.rlhf.heads import ScoreHead, load_head
from workers.rlhf.lean_layers import lean_layers
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.policy_configs import Online, PpoConfig
from workers.rlhf.prefix import Dialogues
from workers.rlhf.processes import Team, team

POLICY: Final = "policy"
REFERENCE: Final = "reference"
REWARD: Final = "reward"
CRITIC: Final = "critic"
RIDGE: Final = 1.0
# Two numbers need no shrinking; this only keeps a constant feature from dividing by zero.
SLIGHT_RIDGE: Final = 1e-3
# Around its own mean a completion alone has no spread.
FEWEST_SIBLINGS: Final = 2

AnyPolicyConfig = Online | DpoConfig | BestOfNConfig


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

    @torch.no_grad()
    def start_as(self, head: ScoreHead) -> None:
        """Value a state as the reward model scores it, on the scale of its gain and bias."""
        head.fold()
        self.weight.copy_(head.gain * head.weight)
        self.bias.copy_(head.bias)

    @torch.no_grad()
    def rescale(self, factor: Tensor, shift: Tensor) -> None:
        """Turn each value v into factor · v + shift."""
        self.weight.mul_(factor)
        self.bias.mul_(factor).add_(shift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays: the policy learns, reference and reward stay as they are, the value head watches.

    It watches the policy's own states, or those of a `critic`, which learns too. A reward model of another family
    reads what was said as text (`by_text`). Where people's rankings are the judge there is no reward model.
    """

    policy: Role
    reference: Role
    reward: Role | None = None
    score_head: ScoreHead | None = None
    value_head: ValueHead
    critic: Role | None = None
    by_text: bool = False
    team: Team = field(default_factory=Team)

    @property
    def judge(self) -> tuple[Role, ScoreHead]:
        """The reward model and its head.

        Raises:
            ValueError: there is none.
        """
        if self.reward is None or self.score_head is None:
            raise ValueError("models: this run needs one called reward")
        return self.reward, self.score_head

    @property
    def language_models(self) -> list[LanguageModel]:
        """The models in memory that read the policy's tokens, each once."""
        roles = (self.policy, self.reference, None if self.by_text else self.reward, self.critic)
        return list({id(role.model): role.model for role in roles if role is not None}.values())

    def lower(self, batch: Dialogues) -> dict[int, Dialogues]:
        """The batch after each language model's frozen layers, by the model's identity."""
        return {id(model): model.lower(batch) for model in self.language_models}

    @contextmanager
    def lean(self) -> Iterator[None]:
        """Let all models read and learn in less time and memory; `backward` belongs inside."""
        with ExitStack() as stack:
            for model in self.language_models:
                stack.enter_context(lean_layers(model.causal))
            yield

    def trained(self) -> dict[str, nn.Parameter]:
        """The policy's, the value head's and the critic's weights, by names that a checkpoint keeps."""
        weights = {f"policy/{name}": weight for name, weight in policy_weights(self.policy).items()}
        weights |= {f"value/{name}": weight for name, weight in self.value_head.named_parameters()}
        if self.critic is not None:
            weights |= {f"critic/{name}": weight for name, weight in critic_weights(self.critic).items()}
        return weights


def policy_weights(policy: Role) -> dict[str, nn.Parameter]:
    """The weights that PPO trains in the policy."""
    if policy.adapter is None:
        return dict(policy.model.causal.named_parameters())
    return {str(place): weight for place, weight in enumerate(policy.model.parameters_of(policy.adapter))}


def critic_weights(critic: Role) -> dict[str, nn.Parameter]:
    """The weights that PPO trains in a critic: of a whole one all that its states come from."""
    if critic.adapter is None:
        return dict(critic.model.backbone.named_parameters())
    return policy_weights(critic)


def assemble(policy_folder: Path, reward_folder: Path, config: Online | BestOfNConfig, *, seed: int) -> Cast:
    """Load all roles. The reward model shares the base if it was trained on the same weights.

    Raises:
        BadArtifactError: roles that don't fit together, or that can't do what is asked for.
        ValueError: pessimism about single completions.
    """
    if config.pessimism > 0 and config.samples_per_prompt < FEWEST_SIBLINGS:
        raise ValueError(
            "pessimism: heads disagree about completions of one prompt, so samples_per_prompt must be 2 or more"
        )
    policy, reference = pair(policy_folder, config, seed=seed)
    reward = reward_role(reward_folder, reference.model)
    by_text = not speak_alike(policy.model.chat, reward.model.chat)
    head = load_head(reward_folder, reward.model)
    if config.pessimism > 0 and head.members_Hd is None:
        raise BadArtifactError(f"{reward_folder.name}: pessimism needs a reward model with several heads, this has one")
    value_head = ValueHead(policy.model.width).to(policy.model.device)
    whole = Cast(
        policy=policy,
        reference=reference,
        reward=reward,
        score_head=head,
        value_head=value_head,
        by_text=by_text,
        team=team(),
    )
    if isinstance(config, PpoConfig) and config.value == "apart":
        whole = with_critic(whole, reward_folder, config, seed=seed)
    for model in [*whole.language_models, reward.model]:
        ready(model)
    return whole


def pair(folder: Path, config: AnyPolicyConfig, *, seed: int) -> tuple[Role, Role]:
    """Policy and reference by the method of a run."""
    return full_pair(folder) if config.method == "full" else lora_pair(folder, config, seed)


def without_judge(policy_folder: Path, config: DpoConfig, *, seed: int) -> Cast:
    """Policy and reference alone."""
    policy, reference = pair(policy_folder, config, seed=seed)
    value_head = ValueHead(policy.model.width).to(policy.model.device)
    alone = Cast(policy=policy, reference=reference, value_head=value_head)
    for model in alone.language_models:
        ready(model)
    return alone


def ready(model: LanguageModel) -> None:
    """Cut a model that has all its adapters, and let it read prompts with replies in the fastest way that it takes."""
    model.cut()
    if model.device.type == "cpu" and model.form is None:
        model.form = choose(model.backbone)


def with_critic(whole: Cast, reward_folder: Path, config: PpoConfig, *, seed: int) -> Cast:
    """Values on a copy of the reward model's adapter, starting as its scores.

    Of a whole reward model, on a whole copy where all of the policy's weights learn, else on a new adapter.

    Raises:
        BadArtifactError: the reward model does not read the policy's tokens.
    """
    reward, head = whole.judge
    if whole.by_text:
        raise BadArtifactError(f"{reward_folder.name}: has another tokenizer, so that no value can be read from it")
    critic = Role(reward.model, CRITIC)
    if reward.adapter is not None:
        models.add_saved_adapter(reward.model, reward_folder, CRITIC)
    elif config.method == "full":
        critic = Role(models.load_base(reward_folder, full=True), None)
    else:
        with models.fresh_seed(seed):
            shape = {"rank": config.lora_rank, "alpha": config.lora_alpha, "layers": config.lora_layers}
            models.add_adapter(reward.model, CRITIC, **shape)
    value_head = ValueHead(reward.model.width).to(reward.model.device)
    value_head.start_as(head)
    return replace(whole, value_head=value_head, critic=critic)


def speak_alike(one: Chat, other: Chat) -> bool:
    """Whether two models write conversations in the very same tokens."""
    if one is other:
        return True
    same_words = one.tokenizer.get_vocab() == other.tokenizer.get_vocab()
    return same_words and one.stop_id == other.stop_id and one.tokenizer.chat_template == other.tokenizer.chat_template


def lora_pair(folder: Path, config: AnyPolicyConfig, seed: int) -> tuple[Role, Role]:
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


def ridge(hidden_Md: Tensor, return_M: Tensor, strength: float = RIDGE) -> tuple[Tensor, Tensor]:
    """Weights [d] and bias of a ridge regression, in fp64; the penalty is relative to the states' own size."""
    x_Md, y_M = hidden_Md.double(), return_M.double()
    mean_d, mean = x_Md.mean(dim=0), y_M.mean()
    centred_Md = x_Md - mean_d
    gram_dd = centred_Md.T @ centred_Md
    penalty = strength * gram_dd.diagonal().mean().clamp(min=1e-8)
    weight_d = torch.linalg.solve(
        gram_dd + penalty * torch.eye(len(mean_d), dtype=x_Md.dtype, device=x_Md.device), centred_Md.T @ (y_M - mean)
    )
    return weight_d.float(), (mean - mean_d @ weight_d).float()
