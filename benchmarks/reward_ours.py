"""Our side of `reward_vs_trl`: a few optimizer steps of the engine on given rankings, each timed."""

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.reward_data import Ranking, rankings_of
from workers.rlhf.allocator import keep_freed_memory
from workers.rlhf.checkpoints import Training
from workers.rlhf.course import Course
from workers.rlhf.data import chat_of
from workers.rlhf.models import LanguageModel
from workers.rlhf.pairs import RankedPrompt, ranked_prompt
from workers.rlhf.prefix import Dialogues, dialogues
from workers.rlhf.reward import Reader, RewardModel, learn, training_of
from workers.rlhf.reward_configs import RewardConfig


class TokenReader(Reader):
    """Reads rankings that are token ids already; a prompt's id is its place among them."""

    rankings: Sequence[Ranking] = ()

    def tokens(self, prompt: RankedPrompt) -> Dialogues:
        """The ids of one ranking."""
        ranking = self.rankings[int(prompt.prompt_id)]
        return dialogues([ranking.prompt], [ranking.completions], self.model.chat.pad_id)


def steps(plan: dict[str, Any]) -> dict[str, Any]:
    """Train as planned; CPU seconds of each step, the first step's loss, the peak of memory in MiB.

    Where the plan names a file for it, the first step's gradient goes there.
    """
    torch.set_num_threads(1)
    # As every training run does on a CPU.
    keep_freed_memory()
    rankings = rankings_of(plan)
    config = RewardConfig(
        method="full",
        ties="drop",
        prompts_per_step=plan["prompts"],
        prompts_per_chunk=plan["chunk"],
        full_learning_rate=plan["learning_rate"],
        head_learning_rate=plan["learning_rate"],
        prefix=plan["form"],
    )
    prompts = [prompt_of(number, ranking) for number, ranking in enumerate(rankings)]
    reward = model_of(Path(plan["model"]), config)
    training = training_of(reward, config)
    reader = TokenReader(reward.language_model, config)
    reader.rankings = rankings
    course = Course.of(prompts, config, seed=plan["seed"])
    seconds, losses = [], []
    for step in range(plan["steps"]):
        chosen = course.prompts[step * plan["prompts"] : (step + 1) * plan["prompts"]]
        if plan["gradient"]:
            keep_gradient(training, Path(plan["gradient"]))
        started = time.process_time()
        losses.append(learn(reward, reader, chosen, course, training)["loss"])
        seconds.append(time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "loss": losses[0], "peak_mb": peak, "form": reward.language_model.form}


def prompt_of(number: int, ranking: Ranking) -> RankedPrompt:
    """A ranking as the engine knows it; its texts are only names."""
    count = len(ranking.completions)
    return ranked_prompt(
        {
            "prompt_id": number,
            "split": "train",
            "messages": [],
            "completions": [{"text": str(place)} for place in range(count)],
            "annotations": [{"annotator": "1", "ranks": list(range(1, count + 1))}],
        }
    )


def model_of(folder: Path, config: RewardConfig) -> RewardModel:
    """The model in the folder with its own score head."""
    causal = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = LanguageModel(causal.eval(), chat_of(AutoTokenizer.from_pretrained(folder)), "benchmark")
    reward = RewardModel(model, config, tie_rate=0.0, seed=0)
    with torch.no_grad():
        reward.head.weight.copy_(load_file(folder / "model.safetensors")["score.weight"][0])
    return reward


def keep_gradient(training: Training, path: Path) -> None:
    """Write the gradient under the names of transformers' classifier, just before the optimizer uses it."""

    def write(*_: Any) -> None:
        if not path.exists():
            named = {name: weight.grad for name, weight in training.weights.items() if weight.grad is not None}
            names = {name: name.replace("trunk/", "model.") for name in named} | {"head": "score.weight"}
            save_file({names[name]: gradient.contiguous() for name, gradient in named.items()}, path)

    training.optimizer.register_step_pre_hook(write)
