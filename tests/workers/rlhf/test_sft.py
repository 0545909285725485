from itertools import chain
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf import merging, models, sample, sft
from workers.rlhf.artifacts import BadArtifactError, read_description, verify
from workers.rlhf.data import BadDataError
from workers.rlhf.job import Event, open_job
from workers.rlhf.language_configs import SftConfig
from workers.rlhf.launch import launch
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.packing import Row
from workers.rlhf.prefix import dialogues
from workers.rlhf.text_tokens import write_tokens
from workers.rlhf.training import NonFiniteError

METHODS = ["lora", "full", "p_tuning", "prefix"]
QUICK = {
    "minimum_steps": 6,
    "epochs": 1,
    "rows_per_step": 4,
    "evaluate_every": 3,
    "checkpoint_every": 3,
    "learning_rate": 1e-2,
    "full_learning_rate": 3e-3,
    "virtual_learning_rate": 2e-2,
    "virtual_tokens": 4,
    "lora_rank": 4,
    "samples_to_read": 2,
    "sample_tokens": 8,
}


def demonstrations() -> list[dict]:
    """The same questions answered in another way than the base answers them."""
    rows = [{"prompt": ask, "completion": "Certainly. " + answer.upper()} for ask, answer in EXCHANGES]
    return [row | {"split": "validation" if n >= 6 else "train"} for n, row in enumerate(rows)]


def launched(folder: Path) -> list[Event]:
    events: list[Event] = []
    launch(open_job(folder, events.append))
    return events


def metrics_of(events: list[Event], name: str) -> list[float]:
    return [event["metrics"][name] for event in events if event["type"] == "metric" and name in event["metrics"]]


@pytest.mark.parametrize("method", METHODS)
def test_it_learns_what_people_wrote_and_leaves_a_model_that_writes(
    tiny_base: Path, tmp_path: Path, method: str
) -> None:
    folder = write_job(
        tmp_path / "sft", "sft", demonstrations(), {"base": tiny_base}, config=QUICK | {"method": method}
    )
    events = launched(folder)
    losses, held_out = metrics_of(events, "loss"), metrics_of(events, "eval/loss")
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    assert min(held_out) < held_out[0]
    assert len([event for event in events if event["type"] == "sample"]) == 2 * len(held_out)
    description = read_description(folder / "out")
    assert description.kind == "sft"
    assert description.adapter == (method in {"p_tuning", "prefix"})
    assert events[-1]["sha256"] == verify(folder / "out")
    assert events[-1]["metrics"]["eval/loss"] == min(held_out)
    card = (folder / "out" / "README.md").read_text()
    assert description.base_sha256 in card
    assert events[-1]["report"]["data_sha256"] in card
    if description.adapter:
        (folder / "out" / "base").symlink_to(tiny_base)
    role = sample.role_of(folder / "out")
    fresh = loss_of(role)
    assert fresh == pytest.approx(min(held_out), rel=1e-3)
    wanted = [{"prompt_id": 1, "messages": [{"role": "user", "content": EXCHANGES[0][0]}]}]
    small = {"completions_per_prompt": 2, "max_new_tokens": 8}
    written = launched(write_job(tmp_path / "s", "sample", wanted, {"policy": folder / "out"}, config=small))
    assert len([event for event in written if event["type"] == "completion"]) == 2


def loss_of(role: Role) -> float:
    """Nats a token on the held-out answers, by the sampler's own way through the model."""
    chat, total, count = role.model.chat, 0.0, 0
    for row in demonstrations()[6:]:
        prompt = chat.prompt([{"role": "user", "content": row["prompt"]}], 1000).ids
        reply = chat.completion(row["completion"], 1000).ids
        batch = dialogues([prompt], [[reply]], chat.pad_id)
        with torch.no_grad():
            logits = role.model.vocabulary_head(role.states(batch).before(batch.owner_N))[0]
        total -= float(torch.log_softmax(logits, -1)[range(len(reply)), reply].sum())
        count += len(reply)
    return total / count


@pytest.mark.parametrize("method", METHODS)
def test_plain_transformers_and_peft_load_it(tiny_base: Path, tmp_path: Path, method: str) -> None:
    config = QUICK | {"method": method, "minimum_steps": 2, "samples_to_read": 0}
    folder = write_job(tmp_path / "sft", "sft", demonstrations(), {"base": tiny_base}, config=config)
    launched(folder)
    out = folder / "out"
    adapter = read_description(out).adapter
    plain = AutoModelForCausalLM.from_pretrained(tiny_base if adapter else out)
    plain = PeftModel.from_pretrained(plain, str(out)) if adapter else plain
    if adapter:
        (out / "base").symlink_to(tiny_base)
    role = sample.role_of(out)
    batch = dialogues([[20, 21, 22]], [[[40, 41, 2]]], role.model.chat.pad_id)
    with torch.no_grad():
        expected = plain(input_ids=torch.tensor([[20, 21, 22, 40, 41, 2]])).logits[0, -3:]
        got = role.model.vocabulary_head(role.states(batch).reply_NRd[0])
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_a_merge_is_the_adapter_and_leaves_the_trained_model_alone(tiny: LanguageModel, tiny_base: Path) -> None:
    models.add_adapter(tiny, "sft", rank=2, alpha=4, layers=0)
    with models.fresh_seed(1):
        for weight in tiny.parameters_of("sft"):
            torch.nn.init.normal_(weight, std=0.2)
    before = {name: weight.clone() for name, weight in tiny.causal.state_dict().items()}
    whole = merging.merged(tiny, "sft", tiny_base)
    batch = dialogues([[20, 21, 22]], [[[40, 41, 2]]], tiny.chat.pad_id)
    with torch.no_grad():
        adapted, bare = Role(tiny, "sft").states(batch).reply_NRd, Role(tiny, None).states(batch).reply_NRd
        got = Role(whole, None).states(batch).reply_NRd
    torch.testing.assert_close(got, adapted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(got, bare, atol=1e-2)
    assert all(torch.equal(weight, before[name]) for name, weight in tiny.causal.state_dict().items())


def test_the_best_weights_are_kept_not_the_last(tiny_base: Path, tmp_path: Path) -> None:
    """A rate so high that later steps do harm: the kept weights are those of the best look."""
    config = QUICK | {"method": "full", "full_learning_rate": 0.1, "samples_to_read": 0, "evaluate_every": 1}
    config |= {"minimum_steps": 4}
    folder = write_job(tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=config)
    events = launched(folder)
    held_out = metrics_of(events, "eval/loss")
    best = held_out.index(min(held_out))
    assert best < len(held_out) - 1
    assert events[-1]["metrics"]["kept_step"] == best
    assert loss_of(sample.role_of(folder / "out")) == pytest.approx(min(held_out), rel=1e-3)
    last = write_job(tmp_path / "b", "sft", demonstrations(), {"base": tiny_base}, config=config | {"keep": "last"})
    assert launched(last)[-1]["metrics"]["kept_step"] == 4
    assert loss_of(sample.role_of(last / "out")) == pytest.approx(held_out[-1], rel=1e-3)


def reward_model(base: Path, folder: Path) -> Path:
    judge = write_job(folder, "reward", ranked_rows(), {"base": base}, config={"minimum_steps": 8, "lora_layers": 1})
    launched(judge)
    (judge / "out" / "base").symlink_to(base)
    return judge / "out"


def test_the_weights_whose_answers_score_highest_are_kept(tiny_base: Path, tmp_path: Path) -> None:
    """As in InstructGPT, appendix C.1; the held-out loss need not agree."""
    roles = {"base": tiny_base, "reward": reward_model(tiny_base, tmp_path / "rm")}
    config = QUICK | {"keep": "reward", "samples_to_read": 1, "evaluate_every": 1}
    events = launched(write_job(tmp_path / "a", "sft", demonstrations(), roles, config=config))
    scores, losses = metrics_of(events, "eval/score"), metrics_of(events, "eval/loss")
    assert len(scores) == 7
    assert events[-1]["metrics"]["eval/score"] == max(scores)
    assert events[-1]["metrics"]["kept_step"] == scores.index(max(scores))
    assert events[-1]["metrics"]["eval/loss"] == losses[scores.index(max(scores))]
    told = [event for event in events if event["type"] == "sample"]
    assert len(told) == 7
    assert all(isinstance(event["score"], float) for event in told)
    with pytest.raises(BadArtifactError, match="no reward model"):
        launched(write_job(tmp_path / "b", "sft", demonstrations(), {"base": tiny_base}, config=config))


def test_ppo_goes_on_from_virtual_tokens_and_keeps_them_as_its_reference(tiny_base: Path, tmp_path: Path) -> None:
    config = QUICK | {"method": "prefix", "minimum_steps": 3, "samples_to_read": 0}
    folder = write_job(tmp_path / "sft", "sft", demonstrations(), {"base": tiny_base}, config=config)
    launched(folder)
    (folder / "out" / "base").symlink_to(tiny_base)
    roles = {"policy": folder / "out", "reward": reward_model(tiny_base, tmp_path / "rm")}
    prompts = [{"prompt_id": n, "messages": [{"role": "user", "content": ask}]} for n, (ask, _) in enumerate(EXCHANGES)]
    small = {"updates": 2, "prompts_per_update": 2, "max_new_tokens": 6, "learning_rate": 1e-2}
    events = launched(write_job(tmp_path / "ppo", "ppo", prompts, roles, config=small))
    distances = metrics_of(events, "objective/kl")
    assert distances[0] == pytest.approx(0, abs=1e-5)
    assert distances[1] != 0
    before, after = (load_file(place / "out" / "adapter_model.safetensors") for place in (folder, tmp_path / "ppo"))
    assert before.keys() == after.keys() == {"prompt_embeddings"}
    assert not torch.equal(before["prompt_embeddings"], after["prompt_embeddings"])
    (tmp_path / "ppo" / "out" / "base").symlink_to(tiny_base)
    assert sample.role_of(tmp_path / "ppo" / "out").adapter == "policy"


def test_patience_ends_a_run_that_gets_no_better(tiny_base: Path, tmp_path: Path) -> None:
    config = QUICK | {"method": "full", "full_learning_rate": 0.1, "evaluate_every": 1, "patience": 2}
    folder = write_job(
        tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=config | {"minimum_steps": 40}
    )
    events = launched(folder)
    assert events[-1]["metrics"]["steps"] < 40
    assert any("no better in" in event.get("text", "") for event in events)


@pytest.mark.parametrize("method", ["full", "prefix"])
def test_a_resumed_run_ends_with_the_very_same_artifact(tiny_base: Path, tmp_path: Path, method: str) -> None:
    config = QUICK | {"method": method}
    straight = write_job(tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=config)
    told = launched(straight)
    again = write_job(
        tmp_path / "b",
        "sft",
        demonstrations(),
        {"base": tiny_base},
        config=config,
        resume=str(straight / "checkpoints" / "step-3"),
    )
    events = launched(again)
    assert metrics_of(events, "loss") == metrics_of(told, "loss")[3:]
    assert metrics_of(events, "eval/loss") == metrics_of(told, "eval/loss")[2:]
    assert events[-1]["sha256"] == told[-1]["sha256"]


def test_packed_and_padded_runs_are_the_same_run(tiny_base: Path, tmp_path: Path) -> None:
    losses = []
    for number, how in enumerate(({}, {"batching": "padded"}, {"tokens_per_forward": 40})):
        folder = write_job(
            tmp_path / str(number),
            "sft",
            demonstrations(),
            {"base": tiny_base},
            config=QUICK | {"method": "full"} | how,
        )
        losses.append(metrics_of(launched(folder), "loss"))
    for other in losses[1:]:
        assert other == pytest.approx(losses[0], rel=1e-4)


def test_numbers_that_are_none_stop_the_run_and_say_where(tiny_base: Path, tmp_path: Path) -> None:
    config = QUICK | {"method": "full", "full_learning_rate": 1.0, "gradient_norm": 1e6, "minimum_steps": 400}
    folder = write_job(
        tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=config | {"evaluate_every": 0}
    )
    job = open_job(folder, [].append)
    broken = torch.full((2,), float("inf"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.rlhf.next_token.summed_nll", lambda *_: broken.sum().requires_grad_())
        patch.setattr("workers.rlhf.teaching.look", lambda *_: None)
        with pytest.raises(NonFiniteError, match=r"step 1 of 400: the loss of line \d"):
            launch(job)


def test_pretraining_text_is_mixed_in_by_share_of_tokens(tiny: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Water runs to the sea and the sea is deep.\n" * 50)
    text = write_tokens(tmp_path / "text.txt", tiny.chat.tokenizer, tmp_path / "tokens")
    config = SftConfig(pretrain_share=0.25, max_tokens=16, rows_per_step=2)
    rows = [Row(list(range(40)), [False] * 10 + [True] * 30) for _ in range(4)]
    plan = sft.plan_of(rows, config, seed=1, text=text)
    first = plan.rows(0)
    beside = sum(row.targets for row in first[2:])
    assert beside == pytest.approx(20, abs=1)
    assert all(len(row.ids) <= 16 for row in first[2:])
    assert [row.ids for row in first] == [row.ids for row in plan.rows(0)]
    assert plan.rows(1)[-1].ids != first[-1].ids


def test_a_run_with_text_needs_the_text(tiny_base: Path, tmp_path: Path) -> None:
    config = QUICK | {"pretrain_share": 0.5, "minimum_steps": 2}
    folder = write_job(tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=config)
    with pytest.raises(BadDataError, match="no pretraining text"):
        launched(folder)
    (folder / "pretrain.txt").write_text("Water runs to the sea.\n" * 40)
    assert launched(folder)[-1]["type"] == "result"


def test_an_adapter_is_no_base_and_no_data_is_said_so(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="no demonstration"):
        launched(write_job(tmp_path / "a", "sft", [], {"base": tiny_base}, config=QUICK))
    config = QUICK | {"method": "prefix", "minimum_steps": 1, "samples_to_read": 0}
    prefix = write_job(tmp_path / "b", "sft", demonstrations(), {"base": tiny_base}, config=config)
    launched(prefix)
    with pytest.raises(BadArtifactError, match="whole weights"):
        launched(write_job(tmp_path / "c", "sft", demonstrations(), {"base": prefix / "out"}, config=QUICK))


def test_every_pass_shows_every_text_once_in_an_order_of_its_own() -> None:
    config = SftConfig(rows_per_step=3, epochs=2, minimum_steps=1)
    steps = list(sft.orders(8, config, 1))
    assert [len(step) for step in steps] == [3, 3, 2, 3, 3, 2]
    first, second = list(chain(*steps[:3])), list(chain(*steps[3:]))
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second
    assert len(list(sft.orders(8, SftConfig(rows_per_step=8, epochs=1, minimum_steps=5), 1))) == 5


def test_vectors_do_not_decay(tiny: LanguageModel) -> None:
    training = sft.training_of(Role(tiny, None), 1e-3, 0.1)
    decays = {group["weight_decay"]: group["params"] for group in training.optimizer.param_groups}
    assert all(weight.dim() > 1 for weight in decays[0.1])
    assert all(weight.dim() == 1 for weight in decays[0.0])
    assert sum(map(len, decays.values())) == len(training.weights)


def test_an_artifact_holds_safetensors_alone(tiny_base: Path, tmp_path: Path) -> None:
    config = QUICK | {"minimum_steps": 1, "samples_to_read": 0}
    folder = write_job(tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=config)
    launched(folder)
    names = {path.name for path in (folder / "out").iterdir()}
    assert {"model.safetensors", "tokenizer.json", "config.json", "plackett.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth"))]
    assert all(weight.dtype == torch.float32 for weight in load_file(folder / "out" / "model.safetensors").values())
