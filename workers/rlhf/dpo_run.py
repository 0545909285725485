"""Run DPO from its folder: read the rankings, teach the policy, tell what it says now, save it."""

from dataclasses import replace
from typing import Final

from workers.rlhf import cast, dpo, reward_run
from workers.rlhf.alternative_configs import DpoConfig
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.data import BadDataError
from workers.rlhf.dpo import Pair, as_reward
from workers.rlhf.job import Job
from workers.rlhf.pairs import RankedPrompt
from workers.rlhf.policy_run import SHOWN_PROMPTS, save_policy, shown
from workers.rlhf.ranking_file import read_rankings
from workers.rlhf.reward import batches
from workers.rlhf.reward_report import HELD_OUT, learnt_tie_parameter
from workers.rlhf.rollout import Question

DATA: Final = "data.jsonl"


def launch_dpo(job: Job) -> None:
    """Improve a policy on rankings and save its adapter (or its whole weights)."""
    config: DpoConfig = job.config
    reading = as_reward(config)
    reward_run.check_config(reading)
    file = read_rankings(job.folder / DATA)
    if not file.prompts:
        raise BadDataError("there is no comparison to learn from")
    job.step("loading", 0, 1)
    roles = cast.without_judge(job.model("policy"), config, seed=job.seed)
    looked = reward_run.look(replace(job, config=reading), file, roles.policy.model.chat)
    held = [prompt for prompt in looked.prompts if prompt.split in HELD_OUT]
    learnt_from = [prompt for prompt in looked.prompts if prompt.split not in HELD_OUT]
    course = Course.of(learnt_from, reading, seed=job.seed)
    if not course.prompts:
        raise BadDataError("no training prompt has a comparison that the loss can learn from")
    likelihood = Likelihood(reading, tie_rate=reward_run.tie_rate(learnt_from)).to(roles.policy.model.device)
    pair = Pair(roles.policy, roles.reference, config)
    # One prompt may have been ranked in several tasks; it is answered once.
    different = {str(prompt.messages): prompt for prompt in held or learnt_from}
    show = [question(pair, prompt) for prompt in list(different.values())[:SHOWN_PROMPTS]]
    training = dpo.training_of(pair, likelihood)
    done = job.resumed(training)
    if not done:
        training.numbers["first"] = shown(job, roles, show, 0)
    job.step("training", done, sum(1 for _ in batches(course.prompts, reading, job.seed)))
    for step in dpo.train(pair, course, likelihood, training, seed=job.seed, done=done):
        job.step("training", step.number, step.total)
        job.metric(step.number, step.metrics)
        due = config.checkpoint_every > 0 and step.number % config.checkpoint_every == 0
        job.between_steps(step.number, training, due=due, last=step.number == step.total)
        done = step.number
    last = shown(job, roles, show, done) | dpo.held_out(pair, held)
    job.metric(done, {name: value for name, value in last.items() if name.endswith("/held_out")})
    report = {
        "first": training.numbers["first"],
        "last": last,
        "prompts": {"learnt": len(course.prompts), "held_out": len(held), "shown": len(show)},
        "preflight": looked.report,
        "warnings": looked.warnings,
        "steps": done,
        "data_sha256": file.sha256,
        "tie_parameter": learnt_tie_parameter(likelihood.tie_parameter.detach(), reading),
    }
    save_policy(job, roles, last, report, judged=[prompt.messages for prompt in looked.prompts])


def question(pair: Pair, prompt: RankedPrompt) -> Question:
    """A ranked prompt as one that is answered."""
    asked = pair.policy.model.chat.prompt(prompt.messages, pair.config.max_prompt_tokens)
    return Question(prompt.prompt_id, asked.ids, prompt.messages[-1]["content"], prompt.messages)
