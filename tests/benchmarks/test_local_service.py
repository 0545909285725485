"""A benchmark's service ends with the benchmark, however that ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.local_service import ROOT, running, unwound_by_sigterm

# Prints its service's process id once it is under way, and waits.
BENCHMARK = """
import os, sys, time
from pathlib import Path
from benchmarks.local_service import running
with running([sys.executable, "-c", "import time; time.sleep(600)"], os.environ, Path(sys.argv[1])) as service:
    print(service.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def benchmark(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A benchmark at work, and the process id of its service."""
    command = [sys.executable, "-c", BENCHMARK, str(tmp_path / "log")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    service = int(process.stdout.readline())
    yield process, service
    for pid in (process.pid, service):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_ends_the_service_too(benchmark: tuple[subprocess.Popen[str], int], times: int) -> None:
    process, service = benchmark
    assert psutil.pid_exists(service)
    for _ in range(times):
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert not psutil.pid_exists(service)


def test_the_block_gives_sigterm_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with running([sys.executable, "-c", "import time; time.sleep(600)"], os.environ, tmp_path / "log") as service:
        assert signal.getsignal(signal.SIGTERM) is not before
    assert service.poll() is not None
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(SystemExit) as left, unwound_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert left.value.code == 128 + signal.SIGTERM
