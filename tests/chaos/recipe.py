"""A recipe without torch for the chaos suite: `python -m tests.chaos.recipe STEP_SECONDS [GATE] --job DIR`.

Its weights are a chain of hashes, a link a step, so that every step depends on all before it: a run that is resumed
from a wrong place ends with other weights. It says under which fence it works, so that the books can be checked. With
a gate it keeps its result to itself until a file of that name is there.
"""

import hashlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

STEPS, SAVED_EVERY = 8, 2
GIVEN = sys.argv[1 : sys.argv.index("--job")] if "--job" in sys.argv and __name__ == "__main__" else []
STEP_SECONDS = float(GIVEN[0]) if GIVEN else 0.0
GATE = Path(GIVEN[1]) if len(GIVEN) > 1 else None
ROLES = {"sft": "sft", "reward": "reward", "pretrain": "base", "import_model": "base"}


def chain(seed: int, steps: int, start: str = "") -> str:
    """The weights after so many steps from `start`; the whole story of a run in one hash."""
    value = start or f"seed {seed}"
    for _ in range(steps):
        value = hashlib.sha256(value.encode()).hexdigest()
    return value


def tell(**event: Any) -> None:
    """A line for the job that listens."""
    os.write(3, json.dumps(event).encode() + b"\n")


def seal(folder: Path) -> tuple[str, int]:
    """Write the folder's manifest; its hash, and the bytes of the files."""
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in folder.iterdir()
    }
    manifest = folder / "MANIFEST.json"
    manifest.write_text(json.dumps({"files": files}))
    return hashlib.sha256(manifest.read_bytes()).hexdigest(), sum(file["bytes"] for file in files.values())


def save(folder: Path, step: int, value: str) -> None:
    """A checkpoint that is there in full or not at all."""
    aside, place = folder / "checkpoints" / f".step-{step}", folder / "checkpoints" / f"step-{step}"
    aside.mkdir(parents=True)
    (aside / "state.json").write_text(json.dumps({"step": step, "value": value}))
    sha256, size = seal(aside)
    aside.rename(place)
    tell(type="checkpoint", step=step, path=f"checkpoints/step-{step}", sha256=sha256, bytes=size)


def train(folder: Path, config: dict[str, Any], fence: int) -> None:
    """Work through the steps, from the checkpoint if there is one, and leave an artifact."""
    done, value = 0, ""
    if config["resume"]:
        state = json.loads((folder / "resume" / "state.json").read_text())
        done, value = state["step"], state["value"]
    for step in range(done + 1, STEPS + 1):
        time.sleep(STEP_SECONDS)
        value = chain(config["seed"], 1, value)
        tell(type="step", phase="work", step=step, total=STEPS, seconds_left=None)
        tell(type="metric", step=step, metrics={"loss": 1.0 / step})
        tell(type="log", level="info", text=f"fence {fence} step {step}")
        if step % SAVED_EVERY == 0 and step < STEPS:
            save(folder, step, value)
    while GATE is not None and not GATE.exists():
        time.sleep(STEP_SECONDS)
    leave_artifact(folder, config, fence, value)


def leave_artifact(folder: Path, config: dict[str, Any], fence: int, weights: str) -> None:
    """What a training run leaves."""
    out = folder / "out"
    out.mkdir()
    kind = ROLES.get(config["kind"], "policy")
    described = {"format": 1, "kind": kind, "base_sha256": None, "adapter": False, "config": {}, "metrics": {}}
    (out / "plackett.json").write_text(json.dumps(described))
    (out / "model.safetensors").write_text(weights)
    sha256, size = seal(out)
    metrics = {"accuracy/held_out": None, "eval/scores": 0.5, "eval/kl": 1.25}
    report = {"fence": fence, "weights": weights, "first": {"eval/scores": 0.0}, "last": {"eval/scores": 0.5}}
    tell(type="result", artifact="out", sha256=sha256, bytes=size, metrics=metrics, report=report)


def answer(folder: Path, fence: int) -> None:
    """Write the completions that a `sample` run is asked for; the same ones every time."""
    for line in (folder / "data.jsonl").read_text().splitlines():
        row = json.loads(line)
        time.sleep(STEP_SECONDS / 10)
        tell(type="log", level="info", text=f"fence {fence} step {row['prompt_id']}")
        for request in row["requests"]:
            for index in range(request["first_index"], request["first_index"] + request["count"]):
                text = f"Answer {index} to {row['prompt_id']}"
                given = {"model": request["model"], "sample_index": index, "text": text, "seed": index}
                rest = {"finish_reason": "stop", "token_count": 3, "logprob": -1.5}
                tell(type="completion", prompt_id=row["prompt_id"], **given, **rest)
    tell(type="result", artifact=None, sha256=None, bytes=None, metrics={}, report={"fence": fence})


def end_with_stdin() -> None:
    """A recipe ends when whoever started it has gone."""
    while os.read(0, 4096):
        continue
    os._exit(3)


def main() -> None:
    """Work on the job in the folder that the command line names."""
    folder = Path(sys.argv[sys.argv.index("--job") + 1])
    threading.Thread(target=end_with_stdin, daemon=True).start()
    config, fence = json.loads((folder / "config.json").read_text()), int(folder.name)
    if config["kind"] == "sample":
        answer(folder, fence)
    else:
        train(folder, config, fence)


if __name__ == "__main__":
    main()
