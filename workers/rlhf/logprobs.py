"""Log-probabilities of tokens from hidden states, a few tokens at a time: no [batch, time, vocabulary] tensor.

Shapes: M = tokens, C = tokens of a chunk, V = vocabulary, d = width.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from workers.rlhf.products import product

# On a CPU so few that the logits of a common vocabulary stay in memory that the process has already.
CHUNK: Final = {"cpu": 128, "cuda": 256}


def token_logprobs(head: nn.Linear, hidden_Md: Tensor, token_M: Tensor, temperature: float) -> Tensor:
    """Log-probability [M] (fp32, nats) of each token at `temperature`, with gradient to the states.

    Over a frozen head the gradient is worked out in the forward pass, so no chunk's logits are kept; a trained
    head is run a second time in the backward pass instead.
    """
    weights = list(head.parameters())
    if len(weights) == 1 and not weights[0].requires_grad:
        return _frozen(hidden_Md, head.weight, token_M, temperature)
    parts = [
        checkpoint(_chunk_logprobs, head, hidden_Cd, token_C, temperature, use_reentrant=False)
        for hidden_Cd, token_C in _chunked(hidden_Md, token_M)
    ]
    return torch.cat(parts)


@torch.no_grad()
def exact_kl(head_p: nn.Linear, p_Md: Tensor, head_q: nn.Linear, q_Md: Tensor, temperature: float) -> Tensor:
    """KL(p, q) [M] in nats of whole next-token distributions, from the states of two models."""
    parts = []
    for p_Cd, q_Cd in _chunked(p_Md, q_Md):
        p_CV = _log_softmax(head_p(p_Cd), temperature)
        q_CV = _log_softmax(head_q(q_Cd), temperature)
        parts.append((p_CV.exp() * (p_CV - q_CV)).sum(dim=-1))
    return torch.cat(parts)


class _FrozenHead(torch.autograd.Function):
    """∂ log p(token) / ∂ state = (w[token] - Σ p(v) w[v]) / temperature."""

    @staticmethod
    def forward(ctx: Any, hidden_Md: Tensor, weight_Vd: Tensor, token_M: Tensor, temperature: float) -> Tensor:
        logprobs, slopes = [], []
        for hidden_Cd, token_C in _chunked(hidden_Md, token_M):
            logit_CV = product(hidden_Cd, weight_Vd).float()
            if temperature != 1:
                logit_CV /= temperature
            logprob_C, size_C = _to_shares(logit_CV, token_C)
            logprobs.append(logprob_C)
            if ctx.needs_input_grad[0]:
                mean_Cd = product(logit_CV.to(weight_Vd.dtype), weight_Vd.T) / size_C[:, None]
                slopes.append(((weight_Vd[token_C] - mean_Cd) / temperature).to(weight_Vd.dtype))
        if slopes:
            ctx.save_for_backward(torch.cat(slopes))
        return torch.cat(logprobs)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (slope_Md,) = ctx.saved_tensors
        return gradients[0][:, None].to(slope_Md.dtype) * slope_Md, None, None, None


_frozen: Callable[[Tensor, Tensor, Tensor, float], Tensor] = _FrozenHead.apply


def _to_shares(logit_CV: Tensor, token_C: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities [C] of tokens; in place of the logits their probabilities, still to be divided by sums [C]."""
    logit_CV -= logit_CV.amax(dim=-1, keepdim=True)
    picked_C = logit_CV.gather(1, token_C[:, None])[:, 0].clone()
    size_C = logit_CV.exp_().sum(dim=-1)
    return picked_C - size_C.log(), size_C


def _chunk_logprobs(head: nn.Linear, hidden_Cd: Tensor, token_C: Tensor, temperature: float) -> Tensor:
    return _log_softmax(head(hidden_Cd), temperature).gather(1, token_C[:, None])[:, 0]


def _log_softmax(logits_CV: Tensor, temperature: float) -> Tensor:
    return torch.log_softmax(logits_CV.float() / temperature, dim=-1)


def _chunked(first: Tensor, second: Tensor) -> list[tuple[Tensor, Tensor]]:
    size = CHUNK.get(first.device.type, 128)
    return list(zip(first.split(size), second.split(size), strict=True))  # type: ignore[no-untyped-call]
