"""The child process of a run: events as JSON lines on a pipe, an end when its parent ends, failures with a reason."""

import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, Final

from workers.rlhf.crew import Crew, own_rank, words_of
from workers.rlhf.job import Emit, Event, PausedError, open_job
from workers.rlhf.launch import launch
from workers.rlhf.processes import team
from workers.rlhf.reasons import reason_of

EVENT_PIPE: Final = 3
PARENT_GONE: Final = 70
PAUSE: Final = b"pause"


def run_child(folder: Path) -> int:
    """Run the job in `folder` and return the exit code. The event pipe is inherited as descriptor 3."""
    rest = threading.Event()
    threading.Thread(target=listen_to_parent, args=(rest,), daemon=True).start()
    # A parent that hears nothing for long asks where every thread is; the answer goes to the log.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    if own_rank() > 0:
        return work_beside(folder, rest)
    with os.fdopen(EVENT_PIPE, "w", encoding="utf-8", buffering=1) as pipe:
        emit = emitter(pipe.write)
        crew = Crew(folder, emit)
        try:
            job = open_job(folder, emit)
            job.rest = rest
            crew.start()
            launch(job)
        except PausedError as paused:
            emit({"type": "paused", "step": paused.step})
        except Exception as error:  # noqa: BLE001 -- whatever went wrong, the parent must hear a reason
            traceback.print_exc()
            crew.give_way()
            fail(error, emit)
            return 1
        crew.part()
    return 0


def work_beside(folder: Path, rest: threading.Event) -> int:
    """Run the job in `folder` as another process than its first, which speaks for all; return the exit code."""
    try:
        job = open_job(folder, say_nothing)
        job.rest = rest
        launch(job)
    except PausedError:
        pass
    except Exception as error:  # noqa: BLE001 -- as above
        traceback.print_exc()
        with words_of(folder, own_rank()).open("w", encoding="utf-8") as words:
            fail(error, emitter(words.write))
        return 1
    team().leave()
    return 0


def say_nothing(_event: Event) -> None:
    """What a process tells that does not lead."""


def emitter(write: Callable[[str], object]) -> Emit:
    """Write events as JSON lines. NaN and infinities, for which JSON has no word, become null."""

    def emit(event: Event) -> None:
        write(json.dumps(speakable(event), ensure_ascii=False, allow_nan=False) + "\n")

    return emit


def speakable(content: Any) -> Any:
    """The same content without numbers that JSON can't hold."""
    if isinstance(content, dict):
        return {name: speakable(value) for name, value in content.items()}
    if isinstance(content, list):
        return [speakable(value) for value in content]
    return None if isinstance(content, float) and not isfinite(content) else content


def fail(error: Exception, emit: Emit) -> None:
    """Tell why a run can't go on and what its owner can do."""
    reason, advice = reason_of(error)
    text = f"{error}" or type(error).__name__
    emit({"type": "log", "level": "error", "text": text})
    emit({"type": "failure", "reason": reason, "text": text, "advice": advice})


def listen_to_parent(rest: threading.Event) -> None:
    """Set `rest` once the parent asks for a pause; end the process when it closes standard input: it is gone."""
    while said := os.read(sys.stdin.fileno(), 4096):
        if PAUSE in said:
            rest.set()
    os._exit(PARENT_GONE)
