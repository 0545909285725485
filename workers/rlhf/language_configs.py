"""Hyper-parameters of the recipes that teach next tokens: fine-tuning on demonstrations, and pretraining on text."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.rlhf.setting import FORBID_UNKNOWN, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class SftConfig:
    """Fine-tune a model on demonstrations and conversations."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    method: Literal["lora", "full", "p_tuning", "prefix"] = setting(
        "lora",
        "Method",
        "lora trains small adapters and merges them into the base, full trains every weight; p_tuning learns virtual "
        "tokens before the prompt (P-tuning v1), prefix keys and values of every layer (P-tuning v2).",
    )
    turns: Literal["every", "last"] = setting(
        "every", "Turns", "In a conversation, learn every turn of the assistant or the last one only."
    )
    epochs: int = setting(2, "Epochs", "Passes over the demonstrations.", minimum=1, maximum=100)
    minimum_steps: int = setting(
        12,
        "Fewest steps",
        "With few demonstrations the passes are repeated until this many optimizer steps are done.",
        minimum=1,
        maximum=1_000_000,
    )
    rows_per_step: int = setting(
        16, "Demonstrations per step", "Demonstrations per optimizer step.", minimum=1, maximum=65_536
    )
    tokens_per_forward: int = setting(
        0,
        "Tokens per forward",
        "Tokens that go through the model together, a longer text alone; only memory and speed depend on it. 0 takes "
        "512 on a CPU and 2,048 on a GPU.",
        minimum=0,
        maximum=10_000_000,
    )
    batching: Literal["packed", "padded"] = setting(
        "packed",
        "Batching",
        "packed puts texts end to end, and none sees another; padded puts texts of like length side by side. "
        "Only speed depends on it.",
    )
    gradient_checkpointing: Literal["off", "on"] = setting(
        "off", "Gradient checkpointing", "on works layers out a second time instead of keeping them: less memory."
    )
    learning_rate: float = setting(2e-4, "Learning rate (LoRA)", "Step size of the adapters.", minimum=0.0, maximum=1.0)
    full_learning_rate: float = setting(
        2e-5, "Learning rate (full)", "Step size when every weight is trained.", minimum=0.0, maximum=1.0
    )
    virtual_learning_rate: float = setting(
        5e-3, "Learning rate (virtual tokens)", "Step size of p_tuning and prefix.", minimum=0.0, maximum=1.0
    )
    weight_decay: float = setting(0.0, "Weight decay", "Pull of the matrices towards zero.", minimum=0.0, maximum=1.0)
    warmup_fraction: float = setting(
        0.05, "Warm-up", "Share of the steps in which the learning rate rises.", minimum=0.0, maximum=1.0
    )
    gradient_norm: float = setting(
        1.0, "Gradient norm", "Gradients longer than this are scaled down.", minimum=1e-6, maximum=1e6
    )
    lora_rank: int = setting(16, "LoRA rank", "Width of the adapters.", minimum=1, maximum=1024)
    lora_alpha: int = setting(32, "LoRA alpha", "Adapters are scaled by alpha / rank.", minimum=1, maximum=4096)
    lora_layers: int = setting(
        0, "Adapted layers", "Only the last so many layers get adapters; 0 means all.", minimum=0, maximum=1000
    )
    virtual_tokens: int = setting(
        20, "Virtual tokens", "How many tokens p_tuning and prefix put first.", minimum=1, maximum=4096
    )
    max_tokens: int = setting(
        1024,
        "Longest text",
        "Prompt and answers together; a longer text loses its oldest tokens, and each cut is reported.",
        minimum=8,
        maximum=131_072,
    )
    max_completion_tokens: int = setting(
        512,
        "Longest completion",
        "A longer last answer is cut, and the model does not learn to stop there.",
        minimum=1,
        maximum=131_072,
    )
    pretrain_share: float = setting(
        0.0,
        "Pretraining text",
        "Share of the learnt tokens that are raw text, against forgetting; needs a text.",
        minimum=0.0,
        maximum=0.95,
    )
    validation_share: float = setting(
        0.05,
        "Held-out share",
        "Share of the prompts held out where the data names no split; 0 holds none out.",
        minimum=0.0,
        maximum=0.5,
    )
    evaluate_every: int = setting(
        20, "Steps per evaluation", "0 evaluates before the first and after the last step only.", minimum=0
    )
    keep: Literal["best", "reward", "last"] = setting(
        "best",
        "Keep",
        "best leaves the weights with the lowest held-out loss, reward those whose answers a reward model scores "
        "highest, last those of the last step.",
    )
    patience: int = setting(
        0, "Patience", "Stop after this many evaluations without a better one; 0 never stops early.", minimum=0
    )
    samples_to_read: int = setting(
        4, "Samples to read", "Prompts that are answered at each evaluation, for people.", minimum=0, maximum=64
    )
    sample_tokens: int = setting(48, "Length of samples", "Tokens of such an answer.", minimum=1, maximum=4096)
    checkpoint_every: int = setting(
        20, "Steps per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig:
    """Train a language model on raw text, from nothing or from a base."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID_UNKNOWN

    preset: Literal["gpt1", "gpt2", "llama-small"] = setting(
        "llama-small",
        "Architecture",
        "What is built where no base is given: GPT-1, GPT-2 or a small Llama; the sizes below scale it.",
    )
    layers: int = setting(0, "Layers", "0 takes the architecture's own number.", minimum=0, maximum=1000)
    width: int = setting(
        0, "Width", "Size of a hidden state; 0 takes the architecture's own.", minimum=0, maximum=65_536
    )
    heads: int = setting(
        0, "Heads", "Heads of attention; 0 takes the architecture's own number.", minimum=0, maximum=1024
    )
    dropout: float = setting(
        0.0, "Dropout", "Share of numbers forgotten at random while learning.", minimum=0.0, maximum=0.9
    )
    vocabulary: int = setting(
        4096,
        "Vocabulary",
        "Tokens of the byte-level BPE that is trained on the text where no base is given; 260 are the bytes alone.",
        minimum=260,
        maximum=1_000_000,
    )
    context: int = setting(256, "Context", "Tokens that are read together.", minimum=8, maximum=131_072)
    steps: int = setting(2000, "Steps", "Optimizer steps.", minimum=1, maximum=100_000_000)
    rows_per_step: int = setting(32, "Texts per step", "Stretches of text per step.", minimum=1, maximum=65_536)
    tokens_per_forward: int = setting(
        8192,
        "Tokens per forward",
        "Tokens that go through the model together; only memory and speed depend on it.",
        minimum=16,
        maximum=10_000_000,
    )
    gradient_checkpointing: Literal["off", "on"] = setting(
        "off", "Gradient checkpointing", "on works layers out a second time instead of keeping them: less memory."
    )
    learning_rate: float = setting(1e-3, "Learning rate", "Step size where no base is given.", minimum=0.0, maximum=1.0)
    continued_learning_rate: float = setting(
        5e-5, "Learning rate (continued)", "Step size where a base learns on.", minimum=0.0, maximum=1.0
    )
    weight_decay: float = setting(0.1, "Weight decay", "Pull of the matrices towards zero.", minimum=0.0, maximum=1.0)
    warmup_fraction: float = setting(
        0.05, "Warm-up", "Share of the steps in which the learning rate rises.", minimum=0.0, maximum=1.0
    )
    gradient_norm: float = setting(
        1.0, "Gradient norm", "Gradients longer than this are scaled down.", minimum=1e-6, maximum=1e6
    )
    validation_share: float = setting(
        0.1, "Held-out share", "Share of the text, at its end, that is never learnt.", minimum=0.0, maximum=0.5
    )
    evaluate_every: int = setting(
        250, "Steps per evaluation", "0 evaluates before the first and after the last step only.", minimum=0
    )
    evaluation_tokens: int = setting(
        100_000, "Tokens per evaluation", "How much of the held-out text is read each time.", minimum=8
    )
    keep: Literal["best", "last"] = setting(
        "best", "Keep", "best leaves the weights with the lowest held-out loss, last those of the last step."
    )
    patience: int = setting(
        0, "Patience", "Stop after this many evaluations without a better one; 0 never stops early.", minimum=0
    )
    samples_to_read: int = setting(
        2, "Samples to read", "Held-out beginnings that are continued at each evaluation.", minimum=0, maximum=64
    )
    sample_tokens: int = setting(96, "Length of samples", "Tokens of such a continuation.", minimum=1, maximum=4096)
    checkpoint_every: int = setting(
        250, "Steps per checkpoint", "0 writes no checkpoints.", minimum=0, maximum=1_000_000
    )
