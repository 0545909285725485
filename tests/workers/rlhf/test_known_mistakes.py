"""Mistakes that other implementations shipped and that no other test here would show; `docs/checks.md` lists all."""

import re
from math import log
from pathlib import Path

import pytest
import torch
from torch import tensor

from workers.rlhf import evaluation_report
from workers.rlhf.evaluate import Asked, Said
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.evaluation_report import Evaluation, Reader
from workers.rlhf.losses import group_losses, policy_losses, probability_ratio
from workers.rlhf.sampling import Completion
from workers.rlhf.training import adam, clipped_step

ROOT = Path(__file__).resolve().parents[3]


def test_a_token_that_became_far_likelier_overflows_nothing() -> None:
    assert probability_ratio(tensor([500.0, -500.0]), torch.zeros(2)).log().tolist() == pytest.approx([20.0, -20.0])
    mask, bad = tensor([[True, True]]), tensor([[-1.0, -1.0]])
    logprob = tensor([[500.0, log(1.1)]], requires_grad=True)
    torch.autograd.backward(policy_losses(logprob, torch.zeros(1, 2), bad, mask, clip=0.2))
    assert logprob.grad is not None
    assert bool(torch.isfinite(logprob.grad).all())
    assert float(logprob.grad[0, 1]) == pytest.approx(1.1)
    reference = torch.full((1, 2), -500.0)
    told = group_losses(logprob, logprob.detach(), reference, bad[:, 0], mask, clip=0.2, kl_coefficient=0.1)
    assert bool(torch.isfinite(told))


def test_a_gradient_that_is_too_long_is_scaled_and_keeps_its_direction() -> None:
    moved = {}
    for size in (1.0, 100.0, 0.001):
        weight = torch.nn.Parameter(torch.zeros(2))
        optimizer = torch.optim.SGD([weight], lr=1.0)
        weight.grad = tensor([3.0, 4.0]) * size
        assert clipped_step(optimizer, 1.0) == pytest.approx(5 * size)
        moved[size] = weight.detach()
    torch.testing.assert_close(moved[1.0], tensor([-0.6, -0.8]))
    torch.testing.assert_close(moved[100.0], moved[1.0])
    # One that is short enough is left as it is.
    torch.testing.assert_close(moved[0.001], tensor([-0.003, -0.004]))


def test_the_optimizer_has_the_epsilon_and_the_memory_of_the_papers() -> None:
    optimizer = adam([([torch.nn.Parameter(torch.zeros(1))], 0.5)])
    assert optimizer.defaults["eps"] == 1e-5
    assert optimizer.defaults["betas"] == (0.9, 0.95)


def test_the_recommended_model_is_the_judges_even_where_the_training_reward_still_rises() -> None:
    def said(kl: float, judge: float, proxy: float) -> list[list[Said]]:
        return [[Said("a text", Completion(ids=[1, 2]), kl=kl, scores={"judge": judge, "proxy": proxy})]]

    def curve(*standings: str) -> list[dict[str, object]]:
        return evaluation_report.curve(
            Evaluation(
                config=EvaluateConfig(),
                asked=[Asked(1, [{"role": "user", "content": "?"}], [1])],
                writings={
                    "reference": said(0.0, 0.0, 0.0),
                    "policy": said(9.0, 0.2, 3.0),
                    "earlier": said(4.0, 0.6, 1.0),
                },
                readers=[Reader(name, name, name, "") for name in standings],  # type: ignore[arg-type]
                flags={},
            )
        )

    both = curve("judge", "proxy")
    assert [(point["model"], point["sqrt_kl"]) for point in both] == [
        ("reference", 0.0),
        ("earlier", 2.0),
        ("policy", 3.0),
    ]
    assert [point["model"] for point in both if point["recommended"]] == ["earlier"]
    # What the policy was trained on recommends nothing.
    assert not any(point["recommended"] for point in curve("proxy"))


def test_every_check_that_is_listed_is_there() -> None:
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(test_\w+)`", page)
    assert len(listed) > 40
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert sorted(set(listed) - written) == []
