"""Train a byte-level BPE (Sennrich et al. 2016, on bytes as in GPT-2): any text can be encoded, none is unknown."""

from collections.abc import Iterable
from typing import Final

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD: Final = "<|pad|>"
TURN: Final = "<|im_start|>"
TURN_END: Final = "<|im_end|>"
TEXT_END: Final = "<|endoftext|>"
SPECIAL: Final = (PAD, TURN, TURN_END, TEXT_END)
# With no more than the bytes and the special tokens there is nothing left to merge: one token a byte.
SMALLEST: Final = 256 + len(SPECIAL)
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocabulary` tokens, special ones included; the same texts give the same tokenizer.

    It ends texts with one token, turns of a conversation with another, and pads with a third, so that later stages can
    tell them apart.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe,
        eos_token=TEXT_END,
        pad_token=PAD,
        additional_special_tokens=[TURN, TURN_END],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
