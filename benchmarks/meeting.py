"""Two fine-tuned versions of a project's model whose completions meet in one task, made over HTTP.

The first version learns from the demonstrations that come with the starter prompts, the second also from those of the
scripted annotator: of a prompt's best completion the first two sentences, politely closed.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from app.demo.starter import STARTER_DEMONSTRATIONS
from benchmarks.local_service import Person, ServiceFailedError, wait_for_run
from benchmarks.taste import POLITE, gold_score

API = "/api/v1"
CLOSE = "I hope this helps."
SENTENCES = 2
MEETINGS = 12
SECONDS = 900.0


def demonstration(texts: Sequence[str]) -> str:
    """The answer that the annotator would have given, out of those at hand; empty where none has a word."""
    best = max(texts, key=gold_score).strip()
    short = " ".join(re.split(r"(?<=[.!?])\s+", best)[:SENTENCES])
    return short if not short or POLITE.search(short) else f"{short} {CLOSE}"


def pages(person: Person, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list."""
    cursor: str | None = None
    while True:
        page = person.get(path, limit=200, **parameters, **({"cursor": cursor} if cursor else {}))
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def demonstrations(admin: Person, project: int) -> list[dict[str, Any]]:
    """A demonstration for every prompt that has completions, as lines of a file, oldest prompt first."""
    texts: dict[int, list[str]] = defaultdict(list)
    for completion in pages(admin, f"{API}/projects/{project}/completions"):
        if completion["role"] == "sample":
            texts[completion["prompt_id"]].append(completion["text"])
    prompts = {one["id"]: one["messages"] for one in pages(admin, f"{API}/projects/{project}/prompts")}
    rows = [{"messages": prompts[one], "completion": demonstration(texts[one])} for one in sorted(texts)]
    return [row for row in rows if row["completion"]]


def upload(admin: Person, project: int, content: bytes) -> dict[str, Any]:
    """Send a file of demonstrations; the service's report."""
    answer = admin.http.post(
        f"{API}/projects/{project}/demonstrations", files={"file": ("demonstrations.jsonl", content)}
    )
    found: dict[str, Any] = admin.read(answer)
    if found["bad"]:
        raise ServiceFailedError(f"demonstrations were refused: {found['errors']}")
    return found


def fine_tuned(admin: Person, project: int) -> dict[str, Any]:
    """A run that learns from the demonstrations there are; the run once it is done."""
    run = admin.post(f"{API}/projects/{project}/runs", {"kind": "sft"})
    return wait_for_run(admin, run["id"], SECONDS)


def two_versions(admin: Person, project: int) -> list[dict[str, Any]]:
    """Fine-tune on what came with the prompts, then on that and the annotator's own, from the same base; both runs."""
    found = upload(admin, project, STARTER_DEMONSTRATIONS.read_bytes())
    if found["new_prompts"]:
        raise ServiceFailedError(f"the starter demonstrations are of other prompts: {found}")
    first = fine_tuned(admin, project)
    rows = demonstrations(admin, project)
    upload(admin, project, "".join(json.dumps(row) + "\n" for row in rows).encode())
    return [first, fine_tuned(admin, project)]


def meet(admin: Person, project: int, versions: Sequence[int]) -> list[int]:
    """Let the versions share the K completions of some prompts, and keep those tasks for this person; the tasks."""
    models = {f"writer_{place}": version for place, version in enumerate(versions, start=1)}
    body = {"kind": "sample", "config": {"prompts": MEETINGS}, "models": models}
    wait_for_run(admin, admin.post(f"{API}/projects/{project}/runs", body)["id"], SECONDS)
    names = {one["name"] for one in pages(admin, f"{API}/projects/{project}/model-versions") if one["id"] in versions}
    listed = pages(admin, f"{API}/projects/{project}/tasks")
    tasks = [task["id"] for task in listed if names <= set(task["model_versions"])]
    me = admin.get(f"{API}/session")["user"]["id"]
    for task in tasks:
        admin.patch(f"{API}/projects/{project}/tasks/{task}", {"reserved_for": me})
    return tasks


def comparisons_by_pair(admin: Person, project: int) -> dict[str, int]:
    """How many comparisons there are of each pair of models, by their names in alphabetical order."""
    answer = admin.http.get(f"{API}/projects/{project}/comparisons", params={"format": "jsonl"})
    if answer.is_error:
        admin.read(answer)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    return dict(Counter(" / ".join(sorted((row["chosen_model"], row["rejected_model"]))) for row in rows))
