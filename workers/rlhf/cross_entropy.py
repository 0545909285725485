"""The negative log-likelihood of tokens, summed, with its gradient worked out in the forward pass.

The loss is a sum, so each chunk's gradient is known as soon as its logits are: no logits are kept, none is computed
twice. For a softmax over logits h·Wᵀ, ∂NLL/∂logit = p − 1[token].

Shapes: M = tokens, C = tokens of a chunk, V = vocabulary, d = width.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from workers.rlhf.in_place import adds_in_place, gradient_of
from workers.rlhf.logprobs import token_logprobs
from workers.rlhf.products import product

# On a CPU so few that the logits of a common vocabulary stay in memory that the process has already.
CHUNK: Final = {"cpu": 128, "cuda": 2048}


def summed_nll(head: nn.Linear, hidden_Md: Tensor, token_M: Tensor) -> Tensor:
    """Sum over tokens of -log p(token) in nats (fp32), with gradient to the states and, where it learns, the head."""
    if getattr(head, "bias", None) is not None or not isinstance(head, nn.Linear):
        return -token_logprobs(head, hidden_Md, token_M, 1.0).sum()
    if torch.is_autocast_enabled(hidden_Md.device.type):
        hidden_Md = hidden_Md.to(torch.get_autocast_dtype(hidden_Md.device.type))
    return _summed(hidden_Md, head.weight, token_M, adds_in_place(head))


class _SummedNll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_Md: Tensor, weight_Vd: Tensor, token_M: Tensor, in_place: bool) -> Tensor:
        to_states, to_weights, *_ = ctx.needs_input_grad
        slope_Md = torch.empty_like(hidden_Md) if to_states else None
        slope_Vd = torch.zeros_like(weight_Vd, dtype=torch.float32) if to_weights else None
        near_Vd = weight_Vd.to(hidden_Md.dtype)
        total = torch.zeros((), dtype=torch.float32, device=hidden_Md.device)
        for start in range(0, len(token_M), CHUNK.get(hidden_Md.device.type, 128)):
            part = slice(start, start + CHUNK.get(hidden_Md.device.type, 128))
            logit_CV = product(hidden_Md[part], near_Vd).float()
            total += _chunk(logit_CV, token_M[part])
            slope_CV = logit_CV.to(hidden_Md.dtype)
            if slope_Md is not None:
                slope_Md[part] = product(slope_CV, near_Vd.T)
            if slope_Vd is not None and hidden_Md.dtype == torch.float32:
                slope_Vd.addmm_(slope_CV.T, hidden_Md[part])
            elif slope_Vd is not None:
                slope_Vd += slope_CV.T @ hidden_Md[part]
        ctx.save_for_backward(slope_Md, slope_Vd)
        ctx.weight = weight_Vd
        ctx.in_place = in_place
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        slope_Md, slope_Vd = ctx.saved_tensors
        to_states = None if slope_Md is None else slope_Md * gradients[0].to(slope_Md.dtype)
        if slope_Vd is not None and ctx.in_place:
            gradient_of(ctx.weight).add_(slope_Vd, alpha=float(gradients[0]))
            return to_states, None, None, None
        to_weights = None if slope_Vd is None else (slope_Vd * gradients[0]).to(ctx.weight.dtype)
        return to_states, to_weights, None, None


_summed: Callable[[Tensor, Tensor, Tensor, bool], Tensor] = _SummedNll.apply


def _chunk(logit_CV: Tensor, token_C: Tensor) -> Tensor:
    """The chunk's summed NLL; its logits become their own gradient in place."""
    logit_CV -= logit_CV.amax(dim=-1, keepdim=True)
    picked_C = logit_CV.gather(1, token_C[:, None])[:, 0].clone()
    logit_CV.exp_()
    size_C = logit_CV.sum(dim=-1)
    logit_CV /= size_C[:, None]
    logit_CV[torch.arange(len(token_C), device=token_C.device), token_C] -= 1
    return (size_C.log() - picked_C).sum()
