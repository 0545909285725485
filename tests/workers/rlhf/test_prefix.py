import pytest
import torch
from torch import Tensor

from workers.rlhf import models
from workers.rlhf.heads import ScoreHead
from workers.rlhf.models import LanguageModel
from workers.rlhf.prefix import Dialogues, as_rows, dialogues, join, run, shared, take

PROMPTS = [[20, 21, 22, 23, 24, 25], [30, 31, 32]]
REPLIES = [[[40, 41, 2], [42, 2], [43, 44, 45, 46, 2]], [[50, 2], [51, 52, 53, 2]]]


@pytest.fixture
def batch(tiny: LanguageModel) -> Dialogues:
    return dialogues(PROMPTS, REPLIES, tiny.chat.pad_id)


def scores_and_gradient(model: LanguageModel, batch: Dialogues, way) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    head = ScoreHead(model.width)
    model.causal.zero_grad()
    score_N = head.raw(way(model.backbone, batch).last(batch.reply_mask_NR))
    (score_N * torch.arange(1.0, len(score_N) + 1)).sum().backward()
    gradient = torch.cat([w.grad.flatten() for w in model.backbone.parameters()])
    return score_N.detach(), gradient


def test_a_shared_prefix_gives_the_scores_and_the_gradient_of_separate_rows(
    tiny: LanguageModel, batch: Dialogues
) -> None:
    one, one_gradient = scores_and_gradient(tiny, batch, shared)
    many, many_gradient = scores_and_gradient(tiny, batch, as_rows)
    assert (one - many).abs().max() <= 1e-5
    assert torch.cosine_similarity(one_gradient, many_gradient, dim=0) >= 0.9999
    assert (one_gradient - many_gradient).norm() <= 1e-4 * many_gradient.norm()


def test_rows_are_what_the_model_says_of_each_text_alone(tiny: LanguageModel, batch: Dialogues) -> None:
    states = shared(tiny.backbone, batch)
    before_NRd = states.before(batch.owner_N)
    row = 0
    for prompt, replies in zip(PROMPTS, REPLIES, strict=True):
        for reply in replies:
            alone = tiny.backbone(input_ids=torch.tensor([prompt + reply])).last_hidden_state[0]
            at, length = len(prompt), len(reply)
            torch.testing.assert_close(states.reply_NRd[row, :length], alone[at:], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(before_NRd[row, :length], alone[at - 1 : -1], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(states.last(batch.reply_mask_NR)[row], alone[-1], atol=1e-5, rtol=1e-4)
            row += 1


def test_what_stands_in_the_padding_is_never_read(tiny: LanguageModel, batch: Dialogues) -> None:
    other = dialogues(PROMPTS, REPLIES, pad_id=77)
    assert not torch.equal(other.prompt, batch.prompt)
    for way in (shared, as_rows):
        one, other_states = way(tiny.backbone, batch), way(tiny.backbone, other)
        torch.testing.assert_close(
            one.reply_NRd[batch.reply_mask_NR], other_states.reply_NRd[batch.reply_mask_NR], atol=1e-5, rtol=1e-4
        )


def test_the_company_in_a_batch_changes_nothing(tiny: LanguageModel, batch: Dialogues) -> None:
    whole = run(tiny.backbone, batch).last(batch.reply_mask_NR)
    part, row_N = take(batch, [1])
    assert row_N.tolist() == [3, 4]
    assert part.prompt.tolist() == [PROMPTS[1]]
    assert part.reply.size(1) == 4
    alone = run(tiny.backbone, part).last(part.reply_mask_NR)
    torch.testing.assert_close(alone, whole[row_N], atol=1e-5, rtol=1e-4)


def test_batches_join_into_what_they_were_taken_from(batch: Dialogues) -> None:
    again = join([take(batch, [0])[0], take(batch, [1])[0]])
    for name in ("prompt_mask_BP", "owner_N", "reply_mask_NR"):
        assert torch.equal(getattr(again, name), getattr(batch, name))
    assert torch.equal(again.reply[again.reply_mask_NR], batch.reply[batch.reply_mask_NR])


@pytest.mark.parametrize("adapter", ["reward", None])
def test_a_cut_stack_is_the_whole_stack(tiny: LanguageModel, batch: Dialogues, adapter: str | None) -> None:
    models.add_adapter(tiny, "reward", rank=2, alpha=4, layers=1)
    for weight in tiny.parameters_of("reward"):
        torch.nn.init.normal_(weight, std=0.1)
    whole = tiny.upper(batch, adapter)
    tiny.cut()
    lowered = tiny.lower(batch)
    assert lowered.prompt.is_floating_point()
    cut = tiny.upper(lowered, adapter)
    torch.testing.assert_close(cut.reply_NRd, whole.reply_NRd, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(cut.prompt_BPd, whole.prompt_BPd, atol=1e-6, rtol=1e-5)


def test_a_cut_stack_has_the_whole_stacks_gradient(tiny: LanguageModel, batch: Dialogues) -> None:
    models.add_adapter(tiny, "reward", rank=2, alpha=4, layers=1)
    gradients = []
    for cut in (False, True):
        if cut:
            tiny.cut()
        states = tiny.upper(tiny.lower(batch), "reward")
        states.reply_NRd[batch.reply_mask_NR].square().sum().backward()
        gradients.append([w.grad.clone() for w in tiny.parameters_of("reward")])
        for weight in tiny.parameters_of("reward"):
            weight.grad = None
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
