"""Live through a loop that promotes once and refuses once, each on evidence, for the pictures of the loop's page.

    python -m scripts.loop_story FOLDER
    python -m scripts.screenshots FOLDER/data --only loop

The real service with a two-layer model. Five simulated annotators, whose names say so, rank to the taste in
`benchmarks/taste.py`. A first cycle trains a reward model and a policy, which a judge with no part in it finds better.
Then somebody sets the reward model's learning rate a hundred times too high. Of the reward model that comes of it the
gate says first that the evidence is too little, and a person leaves it; people rank on, and the gate refuses the next
one, which is surely worse. All goes through the API; nothing is written into the database.
"""

import argparse
import json
import time
from calendar import day_name, month_name
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

import torch

from app.prompts.splits import group_hash, split_of
from benchmarks.first_loop import API, rank_next
from benchmarks.gold_plan import FORMS, THINGS
from benchmarks.local_service import LocalService, Person, ServiceFailedError, local_service, wait_for_run
from tests.tiny_model import build_tiny_model

ANNOTATORS: Final = 5
# The gate of reward models wants 500 judgments on held-out prompts, a tenth of all: these are picked for being so.
# Only six of ten are the reward models', the judge has the rest: the first part is too little, both together suffice.
HELD_OUT, FIRST_PART = 920, 560
SUBJECTS: Final = 30
RUN_SECONDS, CYCLE_SECONDS = 900.0, 3600.0
RATE, WRONG_RATE = 2e-3, 2e-1
PROJECT: Final[dict[str, Any]] = {
    "sampling": {"max_new_tokens": 24, "temperature": 1.0},
    "reward": {"learning_rate": RATE, "head_learning_rate": 1e-2, "epochs": 4, "lora_layers": 0},
    "ppo": {
        "updates": 24,
        "prompts_per_update": 16,
        "max_new_tokens": 24,
        "learning_rate": RATE,
        "kl_coefficient": 0.05,
        "lora_layers": 0,
    },
    # All five have the same taste, so the judge need not have people of its own.
    "loop": {"promotion": "judge", "judge_people_apart": False, "keep_tasks_ready": 0},
}


def usual_prompts() -> list[str]:
    """Prompts as anybody uploads them: of ten, one is for validation and one for tests."""
    return [form.format(thing) for form, thing in product(FORMS, THINGS[:SUBJECTS])]


def held_out_prompts() -> list[str]:
    """Prompts that the service keeps for validation, as it keeps a tenth of all."""
    whens = [f"on a {day} in {month}" for month, day in product(month_name[1:], day_name)]
    dated = (form.format(f"{thing} {when}") for when, form, thing in product(whens, FORMS, THINGS))
    return list(islice((one for one in dated if split_of(group_hash(None, one)) == "validation"), HELD_OUT))


def upload(admin: Person, project: int, name: str, prompts: Sequence[str]) -> int:
    """Add a set of prompts; its id."""
    content = "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts).encode()
    answer = admin.http.post(f"{API}/projects/{project}/prompt-sets", files={"file": (f"{name}.jsonl", content)})
    number = int(admin.read(answer)["id"])
    admin.post(f"{API}/projects/{project}/prompt-sets/{number}/accept")
    return number


def invite(service: LocalService, admin: Person, project: int) -> list[Person]:
    """The annotators, who say in their names what they are."""
    people = []
    for number in range(1, ANNOTATORS + 1):
        body = {"role": "annotator", "email": f"simulated-{number}@example.org"}
        link = admin.post(f"{API}/projects/{project}/invitations", body)["link"]
        person = Person(service.url)
        person.redeem(link.partition("#")[2], name=f"Simulated annotator {number}", email=body["email"])
        people.append(person)
    return people


def wait_for_model(admin: Person, project: int) -> None:
    """Return once the first start has brought the model in."""
    for run in admin.get(f"{API}/projects/{project}/runs", kind="import_model")["items"]:
        wait_for_run(admin, run["id"], RUN_SECONDS)


def live_policy(admin: Person, project: int) -> int:
    """The id of the model that writes now."""
    return int(admin.get(f"{API}/projects/{project}/loop")["policy"]["id"])


def write(admin: Person, project: int, prompt_set: int, writers: Sequence[int]) -> None:
    """Let models answer a whole set of prompts, four times each, in equal parts."""
    body = {
        "kind": "sample",
        "config": {"prompts": HELD_OUT, "rows_per_batch": 128},
        "models": {f"writer_{place}": writer for place, writer in enumerate(writers, start=1)},
        "prompt_set_id": prompt_set,
    }
    wait_for_run(admin, admin.post(f"{API}/projects/{project}/runs", body)["id"], RUN_SECONDS)


def rank_all(people: Sequence[Person], project: int) -> int:
    """Everybody ranks until no task is left; how many rankings that were."""

    def work(person: Person) -> int:
        count = 0
        while rank_next(person, project):
            count += 1
        return count

    with ThreadPoolExecutor(len(people)) as pool:
        return sum(pool.map(work, people))


def run_cycle(admin: Person, project: int) -> dict[str, Any]:
    """Press the button and wait until the cycle has ended, or waits for a person; the cycle."""
    cycle: dict[str, Any] = admin.post(f"{API}/projects/{project}/cycles")
    deadline = time.monotonic() + CYCLE_SECONDS
    while cycle["state"] == "running" and time.monotonic() < deadline:
        time.sleep(1)
        cycle = admin.get(f"{API}/cycles/{cycle['id']}")
    return cycle


def decisions(admin: Person, project: int) -> list[str]:
    """What the loop decided, newest first."""
    return [one["text"] for one in admin.get(f"{API}/projects/{project}/loop")["decisions"]]


def require(admin: Person, project: int, outcome: str) -> None:
    """Go on only if the loop decided so: a picture of something else would not be of this story."""
    said = decisions(admin, project)
    if not any(one.startswith(outcome) for one in said):
        raise ServiceFailedError(f"nothing says “{outcome}”, but: {said}")


def live_through(service: LocalService) -> dict[str, Any]:
    """All three cycles; what the loop decided, newest first."""
    admin = service.first_admin()
    project = int(admin.get(f"{API}/session")["projects"][0]["id"])
    admin.patch(f"{API}/projects/{project}", {"settings": PROJECT})
    people = invite(service, admin, project)
    usual = upload(admin, project, "usual", usual_prompts())
    first, more = held_out_prompts()[:FIRST_PART], held_out_prompts()[FIRST_PART:]
    held_out = [upload(admin, project, "held-out", first), upload(admin, project, "more-held-out", more)]
    wait_for_model(admin, project)

    base = live_policy(admin, project)
    write(admin, project, usual, [base])
    rankings = [rank_all(people, project)]
    run_cycle(admin, project)
    require(admin, project, "Policy 1 promoted")

    admin.patch(f"{API}/projects/{project}", {"settings": {"reward": {"learning_rate": WRONG_RATE}}})
    # The base beside the new policy, which alone often says the same four times.
    writers = [base, live_policy(admin, project)]
    write(admin, project, held_out[0], writers)
    rankings.append(rank_all(people, project))
    cycle = run_cycle(admin, project)
    require(admin, project, "Reward model 3: not enough evidence")
    admin.post(f"{API}/cycles/{cycle['id']}/promotion", {"accept": False})

    write(admin, project, held_out[1], writers)
    rankings.append(rank_all(people, project))
    run_cycle(admin, project)
    require(admin, project, "Reward model 4 not promoted")
    return {"rankings": rankings, "decisions": decisions(admin, project)}


def main() -> None:
    """Live through it and print what was decided."""
    parser = argparse.ArgumentParser(description="Live through a loop that promotes once and refuses once.")
    parser.add_argument("folder", type=Path, help="folder to make and keep, with the service in its folder data")
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    model = build_tiny_model(folder / "tiny")
    with local_service(folder / "data", base_model=f"folder:{model}", torch_threads=1) as service:
        print(json.dumps(live_through(service), indent=2))


if __name__ == "__main__":
    main()
