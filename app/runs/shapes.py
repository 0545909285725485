"""The shape of a language model: what decides its memory, read from the `config.json` that lies beside its weights."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType
from typing import Any, Final

# Families that call things by other names, and whose feed-forward part is two matrices instead of three.
PLAIN: Final = frozenset({"gpt2", "openai-gpt"})
PLAIN_INNER: Final = 4
# No model has a size beyond this.
LARGEST: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A decoder: L layers of width d, `inner` wide inside, keys and values of `kept` numbers a token each.

    `gated`: three matrices in the feed-forward part instead of two. `tied`: embedding and head are one matrix.
    """

    layers: int
    width: int
    inner: int
    query: int
    kept: int
    vocabulary: int
    positions: int
    gated: bool = True
    tied: bool = True

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """Numbers that go in and come out of each matrix of one layer."""
        forth, back = (self.width, self.inner), (self.inner, self.width)
        feed_forward = [forth, forth, back] if self.gated else [forth, back]
        if not self.gated:
            return [(self.width, self.query + 2 * self.kept), (self.query, self.width), *feed_forward]
        kept = (self.width, self.kept)
        return [(self.width, self.query), kept, kept, (self.query, self.width), *feed_forward]

    @property
    def parameters(self) -> int:
        """Weights of the whole model, but for biases."""
        layer = sum(into * out for into, out in self.matrices) + 2 * self.width
        learnt_positions = 0 if self.gated else self.positions * self.width
        embeddings = self.vocabulary * self.width * (1 if self.tied else 2)
        return self.layers * layer + embeddings + learnt_positions + self.width

    def adapter(self, rank: int, layers: int) -> int:
        """Weights of a LoRA adapter on all matrices of the last `layers` layers, 0: of all (Hu et al. 2021, §4.1)."""
        return rank * sum(into + out for into, out in self.matrices) * self.adapted(layers)

    def adapted(self, layers: int) -> int:
        """How many layers a LoRA adapter of the last `layers` layers is on."""
        return layers if 0 < layers < self.layers else self.layers


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a model's `config.json` describes; None where it is not written as we know it, or is absurd."""
    try:
        shape = _plain(config) if config.get("model_type") in PLAIN else _gated(config)
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return shape if all(0 <= size <= LARGEST for size in astuple(shape)) else None


def _plain(config: Mapping[str, Any]) -> Shape:
    width = int(config["n_embd"])
    return Shape(
        layers=int(config["n_layer"]),
        width=width,
        inner=int(config.get("n_inner") or PLAIN_INNER * width),
        query=width,
        kept=width,
        vocabulary=int(config["vocab_size"]),
        positions=int(config["n_positions"]),
        gated=False,
    )


def _gated(config: Mapping[str, Any]) -> Shape:
    width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    head = int(config.get("head_dim") or width // heads)
    return Shape(
        layers=int(config["num_hidden_layers"]),
        width=width,
        inner=int(config["intermediate_size"]),
        query=heads * head,
        kept=int(config.get("num_key_value_heads") or heads) * head,
        vocabulary=int(config["vocab_size"]),
        positions=int(config.get("max_position_embeddings") or 0),
        tied=bool(config.get("tie_word_embeddings", False)),
    )


# What pretraining builds where no base is given: layers, width. The width of Llama's feed-forward part is 8/3 of the
# model's, rounded up to 64.
PRESETS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"gpt1": (12, 768), "gpt2": (12, 768), "llama-small": (6, 384)}
)
ROUNDED_TO: Final = 64


def built(config: Mapping[str, Any]) -> Shape:
    """The model that a pretraining run of these settings builds."""
    layers, width = PRESETS[config["preset"]]
    layers, width = config["layers"] or layers, config["width"] or width
    gated = config["preset"] == "llama-small"
    return Shape(
        layers=layers,
        width=width,
        inner=-(-8 * width // (3 * ROUNDED_TO)) * ROUNDED_TO if gated else PLAIN_INNER * width,
        query=width,
        kept=width,
        vocabulary=config["vocabulary"],
        positions=config["context"],
        gated=gated,
    )
