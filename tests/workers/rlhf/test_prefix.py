from itertools import combinations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from workers.rlhf import models, tree
from workers.rlhf.forms import choose, is_exact, run
from workers.rlhf.heads import Read, ScoreHead
from workers.rlhf.models import LanguageModel
from workers.rlhf.prefix import Dialogues, as_rows, dialogues, join, shared, take
from workers.rlhf.tree import as_tree, tree_mask, tree_of

PROMPTS = [[20, 21, 22, 23, 24, 25], [30, 31, 32]]
REPLIES = [[[40, 41, 2], [42, 2], [43, 44, 45, 46, 2]], [[50, 2], [51, 52, 53, 2]]]


@pytest.fixture
def batch(tiny: LanguageModel) -> Dialogues:
    return dialogues(PROMPTS, REPLIES, tiny.chat.pad_id)


def masked_tree(backbone, batch: Dialogues):
    """As for a model whose rows can hold one prompt only: a row each, and a dense mask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "packable", lambda _: False)
        return as_tree(backbone, batch)


def scores_and_gradient(model: LanguageModel, batch: Dialogues, way, read: Read) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    head = ScoreHead(model.width, read=read)
    model.causal.zero_grad()
    score_N = head.raw(head.read_from(way(model.backbone, batch), batch.reply_mask_NR))
    (score_N * torch.arange(1.0, len(score_N) + 1)).sum().backward()
    gradient = torch.cat([w.grad.flatten() for w in model.backbone.parameters()])
    return score_N.detach(), gradient


@pytest.mark.parametrize("read", ["stop", "mean"])
@pytest.mark.parametrize("way", [shared, as_tree, masked_tree])
def test_a_shared_prefix_gives_the_scores_and_the_gradient_of_separate_rows(
    tiny: LanguageModel, batch: Dialogues, way, read: Read
) -> None:
    one, one_gradient = scores_and_gradient(tiny, batch, way, read)
    many, many_gradient = scores_and_gradient(tiny, batch, as_rows, read)
    assert (one - many).abs().max() <= 1e-5
    assert torch.cosine_similarity(one_gradient, many_gradient, dim=0) >= 0.9999
    assert (one_gradient - many_gradient).norm() <= 1e-4 * many_gradient.norm()


@pytest.mark.parametrize("way", [shared, as_tree, masked_tree, as_rows])
def test_rows_are_what_the_model_says_of_each_text_alone(tiny: LanguageModel, batch: Dialogues, way) -> None:
    states = way(tiny.backbone, batch)
    before_NRd = states.before(batch.owner_N)
    row = 0
    for prompt, replies in zip(PROMPTS, REPLIES, strict=True):
        for reply in replies:
            alone = tiny.backbone(input_ids=torch.tensor([prompt + reply])).last_hidden_state[0]
            at, length = len(prompt), len(reply)
            torch.testing.assert_close(states.reply_NRd[row, :length], alone[at:], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(before_NRd[row, :length], alone[at - 1 : -1], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(states.last(batch.reply_mask_NR)[row], alone[-1], atol=1e-5, rtol=1e-4)
            mean_d = states.mean(batch.reply_mask_NR)[row]
            torch.testing.assert_close(mean_d, alone[at:].mean(dim=0), atol=1e-5, rtol=1e-4)
            row += 1


def test_what_stands_in_the_padding_is_never_read(tiny: LanguageModel, batch: Dialogues) -> None:
    other = dialogues(PROMPTS, REPLIES, pad_id=77)
    assert not torch.equal(other.prompt, batch.prompt)
    for way in (shared, as_tree, masked_tree, as_rows):
        one, other_states = way(tiny.backbone, batch), way(tiny.backbone, other)
        torch.testing.assert_close(
            one.reply_NRd[batch.reply_mask_NR], other_states.reply_NRd[batch.reply_mask_NR], atol=1e-5, rtol=1e-4
        )


def pair_loss(score_N: Tensor) -> Tensor:
    """Bradley–Terry over all pairs of each prompt's replies, best first: the mean over pairs, then over prompts."""
    parts = torch.split(score_N, [len(rows) for rows in REPLIES])
    return torch.stack([-logsigmoid(r[w] - r[v]) for r in parts for w, v in _pairs(len(r))]).mul(
        torch.tensor([1 / len(_pairs(len(r))) for r in parts for _ in _pairs(len(r))])
    ).sum() / len(parts)


def _pairs(count: int) -> list[tuple[int, int]]:
    return list(combinations(range(count), 2))


def loss_gradient(model: LanguageModel, loss: Tensor) -> Tensor:
    model.causal.zero_grad()
    loss.backward()
    return torch.cat([w.grad.flatten() for w in model.backbone.parameters()])


@pytest.mark.parametrize("read", ["stop", "mean"])
@pytest.mark.parametrize("way", [shared, as_tree, masked_tree, as_rows])
def test_k_ways_have_the_loss_and_the_gradient_of_all_pairs_run_apart(
    tiny: LanguageModel, batch: Dialogues, way, read: Read
) -> None:
    """What a trainer of pairs computes: two rows a pair, each completion run K - 1 times."""
    torch.manual_seed(0)
    head = ScoreHead(tiny.width, read=read)
    apart = []
    for prompt, replies in zip(PROMPTS, REPLIES, strict=True):
        losses = []
        for won, lost in _pairs(len(replies)):
            two = [tiny.backbone(input_ids=torch.tensor([prompt + replies[n]])) for n in (won, lost)]
            hidden = [states.last_hidden_state[0, len(prompt) :] for states in two]
            # The mean as it is meant: a score at each token first.
            scores = [head.raw(reply)[-1] if read == "stop" else head.raw(reply).mean() for reply in hidden]
            losses.append(-logsigmoid(scores[0] - scores[1]))
        apart.append(torch.stack(losses).mean())
    expected = torch.stack(apart).mean()
    expected_gradient = loss_gradient(tiny, expected)
    loss = pair_loss(head.raw(head.read_from(way(tiny.backbone, batch), batch.reply_mask_NR)))
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), abs=1e-5)
    assert torch.cosine_similarity(loss_gradient(tiny, loss), expected_gradient, dim=0) >= 0.9999


def test_a_tree_row_holds_no_padding_between_its_parts(batch: Dialogues) -> None:
    laid = tree_of(batch)
    assert laid.segment_BT.tolist() == [
        [0] * 6 + [1] * 3 + [2] * 2 + [3] * 5,
        [0] * 3 + [4] * 2 + [5] * 4 + [-1] * 7,
    ]
    assert laid.position_BT[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 6, 7, 8, 9, 10]
    assert laid.position_BT[1, :9].tolist() == [0, 1, 2, 3, 4, 3, 4, 5, 6]
    assert tree_of(batch, block=10).segment_BT.size(1) == 20


def test_a_tree_mask_keeps_replies_apart(batch: Dialogues) -> None:
    mask = tree_mask(tree_of(batch).segment_BT, torch.float32)
    assert mask.shape == (2, 1, 16, 16)
    seen = mask[1, 0] == 0
    # The last token of the second reply sees the prompt, and its own reply up to itself.
    assert seen[8].nonzero()[:, 0].tolist() == [0, 1, 2, 5, 6, 7, 8]
    assert seen[15].any()
    assert not seen[:9, 9:].any()


def test_a_model_gets_a_form_that_is_exact_for_it(tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(tiny.backbone) == "tree"
    assert choose(tiny.backbone, "cache") == "cache"
    assert choose(tiny.backbone, "tree") == "tree"
    assert choose(tiny.backbone, "rows") == "rows"
    assert is_exact(tiny.backbone, "tree")
    forward = tiny.backbone.forward

    def deaf_to_positions(**inputs):
        return forward(**inputs | {"position_ids": None})

    monkeypatch.setattr(tiny.backbone, "forward", deaf_to_positions)
    assert not is_exact(tiny.backbone, "tree")
    assert choose(tiny.backbone, "tree") == "rows"


def test_a_model_with_a_sliding_window_gets_rows(tiny: LanguageModel) -> None:
    tiny.backbone.config.layer_types = ["sliding_attention", "full_attention"]
    assert choose(tiny.backbone) == "rows"


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
