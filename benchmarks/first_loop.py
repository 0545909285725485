"""From nothing to a policy trained on a person's rankings, timed: the whole service, the real 135M model, one cycle.

A scripted annotator with a known taste (`benchmarks/taste.py`) ranks and writes; two models are fine-tuned on what was
written, their completions meet in tasks, and the cycle starts from the second (`benchmarks/meeting.py`). The same taste
scores all on prompts that no training has seen. Prints JSON lines: one with the times and the reward model's accuracy,
one that compares the fine-tuned model with the base, one that compares the policy before and after the cycle.

    python -m benchmarks.first_loop [--rankings 36] [--keep FOLDER] [--base-model folder:PATH] [--settings JSON]
"""

import argparse
import json
import math
import platform
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import psutil

from benchmarks import meeting
from benchmarks.local_service import LocalService, Person, ServiceFailedError, local_service, wait_for_run
from benchmarks.taste import gold_score, tiers

API = "/api/v1"
HELD_OUT = [
    "How do I remove a sticker from glass?",
    "Write a short birthday message for a colleague.",
    "Why do onions make us cry?",
    "Explain what a budget is.",
    "What is a good way to learn ten new words a day?",
    "Describe a sunset in two sentences.",
    "How can I keep my desk tidy?",
    "What is the difference between weather and climate?",
    "Suggest a name for a friendly robot and say why.",
    "How do I boil an egg so that the yolk stays soft?",
    "Give me two reasons to take the stairs.",
    "What does a librarian do?",
    "How do I ask for a day off?",
    "Explain gravity to a child.",
    "What should a first-aid kit contain?",
    "Write one sentence that makes people smile.",
    "How do I choose a good melon?",
    "What is an API?",
    "Why is exercise good for the heart?",
    "How can I save money on groceries?",
    "Tell me a fact about octopuses.",
    "How do I iron a shirt?",
    "What is the purpose of a passport?",
    "Give me an idea for a rainy afternoon.",
]
CYCLE_SECONDS = 1800.0
SHIPPED_TASKS = 20
# Completions of each model for a held-out prompt.
EACH = 2


def machine() -> str:
    """What the figures were measured on."""
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {gigabytes:.0f} GiB, {platform.system()} {platform.machine()}"


class PeakMemory(threading.Thread):
    """Watches the resident memory of a process and all its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak_bytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        # Counting shared pages costs the kernel time, so it is done seldom: peaks last for seconds.
        while not self.ended.wait(3.0):
            self.peak_bytes = max(self.peak_bytes, sum(map(resident_bytes, self.tree())))

    def tree(self) -> list[psutil.Process]:
        """The process and its descendants, as of now."""
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def resident_bytes(process: psutil.Process) -> int:
    """Memory of its own and its share of what several map (shared pages are counted once over all)."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def rank_next(admin: Person, project: int) -> bool:
    """Claim one task, rank it to taste, submit; False when there is none right now."""
    claimed = admin.post(f"{API}/projects/{project}/tasks/claim", {"holding": []})
    assignment = claimed["assignment"]
    if assignment is None:
        return False
    order = tiers([(one["id"], one["text"]) for one in assignment["completions"]])
    admin.post(
        f"{API}/assignments/{assignment['id']}/ranking",
        {"tiers": order, "touched": True, "moves": len(order), "active_ms": 1000},
        **{"Idempotency-Key": uuid.uuid4().hex},
    )
    return True


def rank(admin: Person, project: int, wanted: int) -> None:
    """Rank `wanted` tasks, waiting for the model to write more where need be."""
    deadline = time.monotonic() + 900
    done = 0
    while done < wanted:
        if rank_next(admin, project):
            done += 1
        elif time.monotonic() > deadline:
            raise ServiceFailedError(f"only {done} of {wanted} tasks came within 15 minutes")
        else:
            time.sleep(1)


def wait_for_own_task(admin: Person, project: int, shipped: int) -> float:
    """Unix time at which the first completions written here became a task, beside the `shipped` ones."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        runs = admin.get(f"{API}/projects/{project}/runs", kind="sample")["items"]
        tasks = admin.get(f"{API}/projects/{project}/tasks", limit=200)["items"]
        if runs and len(tasks) > shipped:
            return time.time()
        time.sleep(1)
    raise ServiceFailedError("the live model wrote no task within 10 minutes")


def run_cycle(admin: Person, project: int) -> dict[str, Any]:
    """Press the button and wait for the new policy's first tasks; the cycle."""
    cycle: dict[str, Any] = admin.post(f"{API}/projects/{project}/cycles")
    deadline = time.monotonic() + CYCLE_SECONDS
    while cycle["state"] in {"running", "waiting"}:
        if time.monotonic() > deadline:
            raise ServiceFailedError(f"the cycle did not end within {CYCLE_SECONDS:.0f} s: {cycle}")
        time.sleep(1)
        cycle = admin.get(f"{API}/cycles/{cycle['id']}")
    if cycle["state"] != "succeeded":
        raise ServiceFailedError(f"the cycle {cycle['state']}: {cycle['reason']}")
    return cycle


def upload_held_out(admin: Person, project: int) -> int:
    """Add prompts that no training has seen; the id of their set."""
    lines = "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in HELD_OUT)
    answer = admin.http.post(
        f"{API}/projects/{project}/prompt-sets", files={"file": ("held-out.jsonl", lines.encode())}
    )
    number = int(admin.read(answer)["id"])
    admin.post(f"{API}/projects/{project}/prompt-sets/{number}/accept")
    return number


def compare(admin: Person, project: int, models: dict[str, int]) -> dict[str, list[list[float]]]:
    """Gold scores of models on the held-out prompts, two completions each: for each model one list a prompt."""
    prompt_set = upload_held_out(admin, project)
    run = admin.post(
        f"{API}/projects/{project}/runs",
        {
            "kind": "sample",
            "config": {"prompts": len(HELD_OUT), "completions_per_prompt": EACH * len(models)},
            "models": models,
            "prompt_set_id": prompt_set,
        },
    )
    wait_for_run(admin, run["id"], 1200)
    prompts = admin.get(f"{API}/projects/{project}/prompts", prompt_set_id=prompt_set, limit=100)["items"]
    scores: dict[str, list[list[float]]] = {name: [] for name in models}
    for prompt in prompts:
        written = defaultdict(list)
        page = admin.get(f"{API}/projects/{project}/completions", prompt_id=prompt["id"], limit=100)
        for completion in page["items"]:
            written[completion["author"]["id"]].append(gold_score(completion["text"]))
        for name, version in models.items():
            scores[name].append(written[version])
    return scores


def seconds_of(run: dict[str, Any]) -> float:
    """Wall time of a run from claim to end, in seconds."""
    return timestamp(run["finished_at"]) - timestamp(run["started_at"])


def timestamp(text: str) -> float:
    """ISO 8601 → Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def first_row(admin: Person, project: int, clock: dict[str, float], cycle: dict[str, Any]) -> dict[str, Any]:
    """Times and what the reward model learnt."""
    runs = {stage: admin.get(f"{API}/runs/{cycle[f'{stage}_run_id']}") for stage in ("reward", "ppo", "sample")}
    summary = admin.get(f"{API}/projects/{project}/comparisons/summary")
    metrics = runs["reward"]["result"]["metrics"]
    return {
        "name": "first_loop",
        "arm": "times",
        "ours": round(clock["first_task"], 2),
        "peer": 10.0,
        "ratio": round(10.0 / clock["first_task"], 2),
        "unit": "seconds from the page's first answer to the first task; peer is the limit we set",
        "machine": machine(),
        "seconds_to_ready": round(clock["ready"], 1),
        "seconds_to_own_task": round(clock["own_task"], 1),
        "rankings": summary["rankings"],
        "comparisons": summary["comparisons"],
        "ties": summary["ties"],
        "reward_metrics": metrics,
        "stage_seconds": {stage: round(seconds_of(run), 1) for stage, run in runs.items()},
    }


def gain(before: list[list[float]], after: list[list[float]]) -> dict[str, Any]:
    """How much better `after` is by prompt, in the taste's points."""
    old, new = [fmean(values) for values in before], [fmean(values) for values in after]
    gains = [later - earlier for earlier, later in zip(old, new, strict=True)]
    return {
        "ours": round(fmean(new), 3),
        "peer": round(fmean(old), 3),
        # The scores are negative (long answers cost points), so the loss before over the loss after: above 1 is a gain.
        "ratio": round(fmean(old) / fmean(new), 3),
        "machine": machine(),
        "gain": round(fmean(gains), 3),
        "gain_standard_error": round(stdev(gains) / math.sqrt(len(gains)), 3),
        "prompts": len(gains),
        "prompts_won": sum(one > 0 for one in gains),
    }


def tuned_row(
    scores: dict[str, list[list[float]]], tuned: list[dict[str, Any]], pairs: dict[str, int], report: dict[str, Any]
) -> dict[str, Any]:
    """The second fine-tuned model against the base, and how the versions' completions met."""
    judged = report["report"]["judged"]
    return {
        "name": "first_loop",
        "arm": "sft",
        "unit": "mean gold score in points, higher is better; peer is the base",
        **gain(scores["base"], scores["before"]),
        "stage_seconds": [round(seconds_of(run), 1) for run in tuned],
        "sft_metrics": [run["result"]["metrics"] for run in tuned],
        "comparisons_by_pair": pairs,
        "accuracy_by_pair": judged["parts"].get("models") if judged else None,
    }


def policy_row(scores: dict[str, list[list[float]]], ppo: dict[str, Any], peak_bytes: int) -> dict[str, Any]:
    """The policy after PPO against the one before."""
    return {
        "name": "first_loop",
        "arm": "policy",
        "unit": "mean gold score in points, higher is better; peer is the policy before PPO",
        **gain(scores["before"], scores["after"]),
        "ppo_metrics": ppo["result"]["metrics"],
        "peak_memory_mb": round(peak_bytes / 2**20),
    }


@dataclass(frozen=True)
class Asked:
    """How the loop is to be lived through; `shipped` tasks are there at the first start."""

    rankings: int
    shipped: int
    settings: dict[str, Any]


def measure(service: LocalService, asked: Asked, started: float) -> list[dict[str, Any]]:
    """Live through the first loop once; the rows to print."""
    memory = PeakMemory(service.process.pid)
    memory.start()
    clock = {"ready": time.time() - started}
    admin = service.first_admin()
    opened = time.time()
    project = admin.get(f"{API}/session")["projects"][0]["id"]
    if asked.settings:
        admin.patch(f"{API}/projects/{project}", {"settings": asked.settings})
    rank(admin, project, 1)
    clock["first_task"] = time.time() - opened
    clock["own_task"] = wait_for_own_task(admin, project, asked.shipped) - started
    base = admin.get(f"{API}/projects/{project}/loop")["policy"]["id"]
    tuned = meeting.two_versions(admin, project)
    versions = [run["model_version_id"] for run in tuned]
    met = meeting.meet(admin, project, versions)
    rank(admin, project, max(asked.rankings - 1, len(met)))
    admin.post(f"{API}/model-versions/{versions[-1]}/promote")
    cycle = run_cycle(admin, project)
    models = {"base": base, "before": versions[-1], "after": cycle["policy_model_version_id"]}
    scores = compare(admin, project, models)
    memory.ended.set()
    report = admin.get(f"{API}/runs/{cycle['reward_run_id']}/report")
    return [
        first_row(admin, project, clock, cycle),
        tuned_row(scores, tuned, meeting.comparisons_by_pair(admin, project), report),
        policy_row(scores, admin.get(f"{API}/runs/{cycle['ppo_run_id']}"), memory.peak_bytes),
    ]


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description="Time the first loop with the real model.")
    parser.add_argument("--rankings", type=int, default=36, help="tasks to rank before the cycle")
    parser.add_argument("--keep", type=Path, help="data folder to use and keep (default: a temporary one)")
    parser.add_argument("--base-model", help="another base model, as the setting names it: no task is shipped for it")
    parser.add_argument("--settings", type=json.loads, default={}, help="project settings that differ, as JSON")
    arguments = parser.parse_args()
    asked = Asked(arguments.rankings, 0 if arguments.base_model else SHIPPED_TASKS, arguments.settings)
    other = {"base_model": arguments.base_model} if arguments.base_model else {}
    with tempfile.TemporaryDirectory(prefix="plackett-first-loop-") as folder:
        started = time.time()
        with local_service(arguments.keep or Path(folder) / "data", **other) as service:
            for row in measure(service, asked, started):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
