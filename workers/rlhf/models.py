"""Language models and their adapters, loaded from artifact folders.

One base in memory serves several roles: each role is the base with one named adapter (LoRA, or virtual tokens, or LoRA
behind virtual tokens that learn no more) switched on, or none.
Layers below the lowest adapter are the same for every role; `LanguageModel.lower` runs them once for all.
"""

import copy
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig, PeftConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from workers.rlhf.artifacts import BadArtifactError, Description, artifact_sha256, read_description
from workers.rlhf.data import Chat, chat_of
from workers.rlhf.forms import Form, run
from workers.rlhf.prefix import Dialogues, States, shares_prefix
from workers.rlhf.virtual_tokens import Method, VirtualTokens, new_virtual_tokens, saved_virtual_tokens

ADAPTER_CONFIG: Final = "adapter_config.json"
ADAPTER_WEIGHTS: Final = "adapter_model.safetensors"
BASE: Final = "base"
# Where an artifact of LoRA keeps the virtual tokens that it was trained behind.
BEFORE: Final = "before"
# In these families a layer reads nothing but its input, so the stack can be cut and run in two parts.
CUTTABLE: Final = frozenset({"LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model"})

LINEAR: Final = (nn.Linear, Conv1D)


class LanguageModel:
    """A causal language model, its chat format, and the adapters on it."""

    def __init__(self, causal: PreTrainedModel, chat: Chat, base_sha256: str) -> None:
        self.causal = causal
        self.chat = chat
        self.base_sha256 = base_sha256
        self.adapters: set[str] = set()
        self.lora: set[str] = set()
        self.form: Form | None = None
        self.virtual: dict[str, VirtualTokens] = {}
        # Taken before any adapter is on: adapters are linear layers themselves.
        parts = self.backbone.named_modules()
        self.linear_names = sorted({name.rpartition(".")[2] for name, part in parts if isinstance(part, LINEAR)})
        # Which adapter is on, if anybody has said so: to go through all layers takes a while.
        self._active: tuple[str | None, ...] = ()
        self._lower: nn.Module | None = None
        self._upper: nn.Module = self.backbone

    @property
    def backbone(self) -> nn.Module:
        """The stack of layers without the head over the vocabulary."""
        return self.causal.base_model

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.causal.device

    @property
    def vocabulary_head(self) -> nn.Linear:
        """The layer from hidden states to logits."""
        head: nn.Linear = self.causal.get_output_embeddings()  # type: ignore[no-untyped-call]
        return head

    @property
    def width(self) -> int:
        """Size d of a hidden state."""
        return int(self.causal.config.hidden_size)

    @property
    def longest(self) -> int:
        """How many tokens the model has positions for."""
        return int(getattr(self.causal.config, "max_position_embeddings", None) or sys.maxsize)

    def activate(self, adapter: str | None) -> None:
        """Switch one adapter on and every other off; None leaves the bare base."""
        if self._active == (adapter,):
            return
        self._active = (adapter,)
        lora = adapter if adapter in self.lora else None
        for layer in self._lora_layers():
            layer.enable_adapters(lora is not None)
            if lora is not None:
                layer.set_adapter([lora])

    def start(self, adapter: str | None, rows: int) -> DynamicCache | None:
        """What an adapter puts before each of so many rows: keys and values of its virtual tokens, or nothing."""
        tokens = self.virtual.get(adapter or "")
        return None if tokens is None else tokens.cache(self.backbone, rows)

    def parameters_of(self, adapter: str) -> list[nn.Parameter]:
        """The weights of one adapter that learn, always in the same order."""
        if adapter not in self.lora:
            return list(self.virtual[adapter].parameters())
        return [weight for name, weight in self.causal.named_parameters() if f".{adapter}." in name]

    def freeze(self) -> None:
        """Mark all weights as constants; those of an adapter only until it is switched on."""
        self._active = ()
        self.causal.requires_grad_(requires_grad=False)

    def cut(self) -> None:
        """Split the stack below the lowest adapter, once all adapters are on it. Virtual tokens reach every layer."""
        layers = [] if self.virtual else getattr(self.backbone, "layers", [])
        adapted = [index for index, layer in enumerate(layers) if _has_adapter(layer)]
        if type(self.backbone).__name__ in CUTTABLE and adapted and adapted[0] > 0:
            self._lower = stack_part(self.backbone, 0, adapted[0])
            self._upper = stack_part(self.backbone, adapted[0], len(layers))

    @torch.no_grad()
    def lower(self, batch: Dialogues) -> Dialogues:
        """Run the layers that no role changes; the result stands for `batch` in every later call of `upper`."""
        batch = batch.to(self.device)
        return batch if self._lower is None else batch.with_states(run(self._lower, batch, form=self.form))

    def upper(self, batch: Dialogues, adapter: str | None) -> States:
        """Hidden states of dialogues that went through `lower`, in the role of an adapter."""
        self.activate(adapter)
        start = self.start(adapter, len(batch.prompt))
        return run(self._upper, batch, form=self.form, start=start)

    def _lora_layers(self) -> Iterator[LoraLayer]:
        return (module for module in self.causal.modules() if isinstance(module, LoraLayer))


@dataclass(frozen=True, slots=True)
class Role:
    """One model in the play: a language model and the adapter that makes it that role."""

    model: LanguageModel
    adapter: str | None

    def states(self, batch: Dialogues) -> States:
        """Hidden states of dialogues that went through this model's `lower`."""
        return self.model.upper(batch, self.adapter)


def stack_part(backbone: Any, start: int, stop: int) -> Any:
    """Layers start … stop of a stack as a stack of their own that shares every weight with the whole."""
    part = _shallow(backbone)
    layers = [_renumbered(layer, index) for index, layer in enumerate(list(backbone.layers)[start:stop])]
    part.layers = nn.ModuleList(layers)
    if stop < len(backbone.layers):
        part.norm = nn.Identity()
    return part


def main_device() -> torch.device:
    """Where models go: this process's GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_base(folder: Path, *, full: bool = False) -> LanguageModel:
    """Load a folder of safetensors: fp32 on a CPU and for full training, bf16 on a GPU else.

    Raises:
        BadArtifactError: no artifact, weights that are no safetensors, or a tokenizer that can't chat.
    """
    if not list(folder.glob("*.safetensors")):
        raise BadArtifactError(f"{folder.name}: no safetensors, and other weights are not loaded")
    device = main_device()
    dtype = torch.float32 if full or device.type == "cpu" else torch.bfloat16
    causal = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, local_files_only=True
    )
    chat = load_chat(folder)
    # Dropout off for good: log-probabilities of a policy that forgets at random can't be compared.
    causal.train(mode=False)
    nn.Module.to(causal, device)
    return LanguageModel(causal, chat, artifact_sha256(folder))


def load_chat(folder: Path) -> Chat:
    """Load a folder's tokenizer alone.

    Raises:
        BadArtifactError: it can't chat.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    try:
        return chat_of(tokenizer)
    except ValueError as error:
        raise BadArtifactError(f"{folder.name}: {error}") from error


def load_model(folder: Path, adapter: str, *, full: bool = False) -> LanguageModel:
    """Load an artifact of any kind; where it is an adapter, its base comes along and it gets the name `adapter`."""
    description = read_description(folder)
    if not description.adapter:
        return load_base(folder, full=full)
    model = load_base(folder / BASE, full=full)
    add_saved_adapter(model, folder, adapter)
    return model


def base_of(folder: Path) -> tuple[str, Description]:
    """The hash of the weights that an artifact's adapter sits on (or its own), and what it says of itself."""
    description = read_description(folder)
    return artifact_sha256(folder / BASE if description.adapter else folder), description


def add_adapter(model: LanguageModel, adapter: str, *, rank: int, alpha: int, layers: int) -> None:
    """Put a new LoRA adapter on all linear layers of the last `layers` blocks (0: of all); it changes nothing yet."""
    count = int(model.causal.config.num_hidden_layers)
    chosen = list(range(count - layers, count)) if 0 < layers < count else None
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=model.linear_names, layers_to_transform=chosen)
    _inject(model, adapter, config)


def add_saved_adapter(model: LanguageModel, folder: Path, adapter: str) -> None:
    """Put an artifact's adapter on a model.

    Raises:
        BadArtifactError: the adapter was trained on another base.
    """
    wanted = read_description(folder).base_sha256
    if wanted != model.base_sha256:
        raise BadArtifactError(f"{folder.name}: made for base {wanted}, but the base here is {model.base_sha256}")
    if (folder / BEFORE).is_dir():
        put_saved_before(model, folder / BEFORE, adapter)
    config = PeftConfig.from_pretrained(str(folder), local_files_only=True)
    if config.is_prompt_learning:
        put_saved_before(model, folder, adapter)
        return
    _inject(model, adapter, config)
    set_peft_model_state_dict(model.causal, load_file(folder / ADAPTER_WEIGHTS), adapter_name=adapter)


def put_saved_before(model: LanguageModel, folder: Path, adapter: str) -> None:
    """Put saved virtual tokens before every text of an adapter.

    Raises:
        BadArtifactError: the folder holds none, or this model can't have any.
    """
    config = PeftConfig.from_pretrained(str(folder), local_files_only=True)
    if not config.is_prompt_learning:
        raise BadArtifactError(f"{folder.name}: is a LoRA adapter, not virtual tokens")
    _put_before(model, adapter, saved_virtual_tokens(config, load_file(folder / ADAPTER_WEIGHTS)))


def add_virtual_tokens(model: LanguageModel, adapter: str, method: Method, words: Sequence[int]) -> None:
    """Put as many new virtual tokens before every text as `words` has; a prefix begins as what these tokens mean.

    Raises:
        BadArtifactError: this model keeps no plain keys and values that could come first.
    """
    tokens = new_virtual_tokens(model.causal.config, method, len(words))
    _put_before(model, adapter, tokens)
    if method == "prefix":
        tokens.start_as(model.backbone, torch.tensor(list(words), device=model.device))


def adapter_state(model: LanguageModel, adapter: str) -> dict[str, Tensor]:
    """The weights of one adapter that learn, under the names that peft uses."""
    if adapter not in model.lora:
        return model.virtual[adapter].saved_state()
    state = get_peft_model_state_dict(model.causal, adapter_name=adapter)
    return {name: weight.detach().cpu().contiguous().clone() for name, weight in state.items()}


def save_adapter(model: LanguageModel, adapter: str, folder: Path) -> None:
    """Write one adapter so that peft, too, can load it; virtual tokens before LoRA get a folder in it."""
    if adapter not in model.lora:
        _save(model.virtual[adapter].config, adapter_state(model, adapter), folder)
        return
    _save(model.causal.peft_config[adapter], adapter_state(model, adapter), folder)
    if adapter in model.virtual:
        (folder / BEFORE).mkdir(exist_ok=True)
        tokens = model.virtual[adapter]
        _save(tokens.config, tokens.saved_state(), folder / BEFORE)


def _save(adapter_config: Any, state: dict[str, Tensor], folder: Path) -> None:
    save_file(state, folder / ADAPTER_WEIGHTS)
    config = copy.deepcopy(adapter_config)
    config.base_model_name_or_path = None
    config.inference_mode = True
    config.save_pretrained(str(folder))


def save_role(role: Role, folder: Path) -> None:
    """Write a role's adapter, or all weights with the tokenizer."""
    if role.adapter is not None:
        save_adapter(role.model, role.adapter, folder)
        return
    save_whole(role.model, folder)
    save_tokenizer(role.model, folder)


def save_whole(model: LanguageModel, folder: Path) -> None:
    """Write all weights and the configuration."""
    model.causal.save_pretrained(folder)


def save_tokenizer(model: LanguageModel, folder: Path) -> None:
    """Write the tokenizer with its chat template."""
    model.chat.tokenizer.save_pretrained(folder)


@contextmanager
def fresh_seed(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed without moving the stream of the program around it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _inject(model: LanguageModel, adapter: str, config: Any) -> None:
    with warnings.catch_warnings():
        # Several adapters on one base are the point here, not the mistake that peft warns of.
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        model.causal.add_adapter(config, adapter_name=adapter)
    model.adapters.add(adapter)
    model.lora.add(adapter)
    model.freeze()
    for weight in model.parameters_of(adapter):
        # Adapters stay in fp32 on a bf16 base: their updates are smaller than bf16 can add.
        weight.data = weight.data.float()


def _put_before(model: LanguageModel, adapter: str, tokens: VirtualTokens) -> None:
    if not shares_prefix(model.backbone):
        raise BadArtifactError(f"{type(model.backbone).__name__} keeps no keys and values that virtual tokens could be")
    model.virtual[adapter] = tokens.to(model.device).train(mode=False)
    model.adapters.add(adapter)
    model.freeze()


def _has_adapter(layer: nn.Module) -> bool:
    return any(isinstance(module, LoraLayer) for module in layer.modules())


def _shallow(module: nn.Module) -> Any:
    twin = copy.copy(module)
    twin.__dict__["_modules"] = dict(module._modules)  # noqa: SLF001 -- torch has no public way to share children
    return twin


def _renumbered(layer: Any, index: int) -> Any:
    """The same layer with another place in the cache."""
    twin = _shallow(layer)
    attention = _shallow(layer.self_attn)
    attention.layer_idx = index
    twin.self_attn = attention
    return twin
