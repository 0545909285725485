"""A recipe without torch that speaks the child's protocol and behaves as told: `stand_in.py BEHAVIOUR --job DIR`."""

import faulthandler
import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

FOREVER = 10_000
STEPS = 400
asked_to_rest = threading.Event()


def main() -> None:
    behaviour, folder = sys.argv[1], Path(sys.argv[3])
    threading.Thread(target=end_with_stdin, daemon=True).start()
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    Path(folder.parent / "pid").write_text(str(os.getpid()))
    BEHAVIOURS[behaviour](folder, json.loads((folder / "config.json").read_text()))


def end_with_stdin() -> None:
    while said := os.read(0, 4096):
        if b"pause" in said:
            asked_to_rest.set()
    os._exit(3)


def tell(**event: Any) -> None:
    os.write(3, json.dumps(event).encode() + b"\n")


def behave_well(folder: Path, config: dict[str, Any]) -> None:
    for step in (1, 2):
        tell(type="step", phase="work", step=step, total=2, seconds_left=0.5)
        tell(type="metric", step=step, metrics={"loss": 1.0 / step, "accuracy": None})
    if config["kind"] == "sample":
        answer_all(folder)
        tell(type="result", artifact=None, sha256=None, bytes=None, metrics={}, report={"resumed": config["resume"]})
        return
    leave_artifact(folder, config)


def answer_all(folder: Path) -> None:
    for line in (folder / "data.jsonl").read_text().splitlines():
        row = json.loads(line)
        for request in row["requests"]:
            for index in range(request["first_index"], request["first_index"] + request["count"]):
                tell(
                    type="completion",
                    prompt_id=row["prompt_id"],
                    model=request["model"],
                    sample_index=index,
                    text=f"Answer {index}\x00 of {request['model']}",
                    seed=index,
                    finish_reason="stop",
                    token_count=3,
                    logprob=-1.5,
                )


def leave_artifact(folder: Path, config: dict[str, Any]) -> None:
    kind = {"import_model": "base", "pretrain": "base", "sft": "sft", "reward": "reward"}.get(config["kind"], "policy")
    sha256, size = write_artifact(folder / "out", kind=kind, weights=f"{config['seed']}")
    metrics = {"accuracy/held_out": None, "eval/scores": 0.5, "eval/kl": 1.25}
    report = {"rows": len((folder / "data.jsonl").read_text().splitlines()), "resumed": config["resume"]}
    report |= {"first": {"eval/scores": 0.0}, "last": {"eval/scores": 0.5, "eval/kl": 1.25}}
    tell(type="result", artifact="out", sha256=sha256, bytes=size, metrics=metrics, report=report)


def write_artifact(folder: Path, *, kind: str, weights: str) -> tuple[str, int]:
    folder.mkdir(parents=True)
    description = {"format": 1, "kind": kind, "base_sha256": None, "adapter": False, "config": {}, "metrics": {}}
    (folder / "plackett.json").write_text(json.dumps(description))
    (folder / "model.safetensors").write_text(weights)
    return seal(folder)


def seal(folder: Path) -> tuple[str, int]:
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in folder.iterdir()
    }
    manifest = folder / "MANIFEST.json"
    manifest.write_text(json.dumps({"files": files}))
    return hashlib.sha256(manifest.read_bytes()).hexdigest(), sum(file["bytes"] for file in files.values())


def work_for_ever(folder: Path, config: dict[str, Any]) -> None:
    for step in range(FOREVER):
        tell(type="step", phase="work", step=step, total=FOREVER, seconds_left=None)
        time.sleep(0.05)


def ignore_sigterm(folder: Path, config: dict[str, Any]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    work_for_ever(folder, config)


def save_then_work_for_ever(folder: Path, config: dict[str, Any]) -> None:
    if config["resume"]:
        state = json.loads((folder / "resume" / "state.json").read_text())
        tell(type="metric", step=state["step"], metrics={"resumed_at": float(state["step"])})
        leave_artifact(folder, config)
        return
    for step in (1, 2, 3):
        save(folder, step)
    work_for_ever(folder, config)


def save(folder: Path, step: int, **state: str) -> None:
    place = folder / "checkpoints" / f"step-{step}"
    place.mkdir(parents=True)
    (place / "state.json").write_text(json.dumps({"step": step, **state}))
    sha256, size = seal(place)
    tell(type="checkpoint", step=step, path=f"checkpoints/step-{step}", sha256=sha256, bytes=size)


def learn(folder: Path, config: dict[str, Any], *, dawdle: float = 0.0) -> None:
    """Weights that depend on every step before; a checkpoint only where a pause is asked for."""
    step, weights = 0, str(config["seed"])
    if config["resume"]:
        state = json.loads((folder / "resume" / "state.json").read_text())
        step, weights, dawdle = state["step"], state["weights"], 0.0
    while step < STEPS:
        step += 1
        weights = hashlib.sha256(f"{weights} {step}".encode()).hexdigest()
        tell(type="step", phase="work", step=step, total=STEPS, seconds_left=None)
        time.sleep(dawdle)
        if asked_to_rest.is_set():
            save(folder, step, weights=weights)
            tell(type="paused", step=step)
            return
    leave_artifact(folder, config | {"seed": weights})


def learn_slowly(folder: Path, config: dict[str, Any]) -> None:
    learn(folder, config, dawdle=0.1)


def pause_unasked(folder: Path, config: dict[str, Any]) -> None:
    tell(type="paused", step=None)


def die_when_asked_to_rest(folder: Path, config: dict[str, Any]) -> None:
    tell(type="step", phase="work", step=1, total=2, seconds_left=None)
    asked_to_rest.wait()
    die(folder, config)


def hang(folder: Path, config: dict[str, Any]) -> None:
    """Stop saying anything; whoever asks where it is finds the answer in the log."""
    faulthandler.register(signal.SIGUSR1)
    tell(type="step", phase="work", step=1, total=2, seconds_left=None)
    threading.Event().wait()


def save_then_hang(folder: Path, config: dict[str, Any]) -> None:
    if config["resume"]:
        leave_artifact(folder, config)
        return
    save(folder, 1)
    hang(folder, config)


def save_then_die(folder: Path, config: dict[str, Any]) -> None:
    if config["resume"]:
        leave_artifact(folder, config)
        return
    save(folder, 1)
    die(folder, config)


def end_like_a_wrapper_of_the_killed(folder: Path, config: dict[str, Any]) -> None:
    sys.exit(128 + signal.SIGKILL)


def crash(folder: Path, config: dict[str, Any]) -> None:
    print("something dreadful happened at line 42", flush=True)
    sys.exit(1)


def die(folder: Path, config: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(folder: Path, config: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def tell_failure(folder: Path, config: dict[str, Any]) -> None:
    tell(type="failure", reason="non_finite", text="the loss became NaN at step 7", advice="Lower it.")
    sys.exit(1)


def end_in_silence(folder: Path, config: dict[str, Any]) -> None:
    tell(type="step", phase="work", step=1, total=1, seconds_left=0)


def talk_rubbish(folder: Path, config: dict[str, Any]) -> None:
    os.write(3, b"Traceback (most recent call last):\n\xff\xfe\n[1]\n" + b'{"type": "nonsense"}\n{"type": "step"}\n')
    os.write(3, b'{"type": "log", "level": "info", "text": "nul \\u0000 and half \\ud800 a pair"}\n')
    os.write(3, b'{"type": "metric", "step": 1, "metrics": {"loss": NaN}}\n')
    behave_well(folder, config)


def lie_about_the_artifact(folder: Path, config: dict[str, Any]) -> None:
    write_artifact(folder / "out", kind="policy", weights="w")
    tell(type="result", artifact="out", sha256="0" * 64, bytes=1, metrics={}, report={})


BEHAVIOURS = {
    name: behaviour
    for name, behaviour in globals().items()
    if callable(behaviour) and getattr(behaviour, "__module__", "") == __name__
}

if __name__ == "__main__":
    main()
