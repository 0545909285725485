"""Models that say their own name, people and animals that share one, and people who only talk about models."""

import re
from itertools import pairwise
from time import perf_counter

import pytest

from app.completions.self_naming import MASK, Span, find_names, mask, names_model

# The names to be found stand between ‹ and ›.
GIVES_ITSELF_AWAY = [
    "As ‹ChatGPT›, I cannot do that.",
    "I am ‹SmolLM›.",
    "I'm ‹Claude›, an AI made by ‹Anthropic›.",
    "I’m ‹Claude›.",
    "I was developed by ‹OpenAI›.",
    "I was created and trained by ‹Microsoft›.",
    "As an AI language model trained by ‹Nimbus Labs›, I can't.",
    "My name is ‹SmolLM2-135M-Instruct› and I help.",
    "I am an AI assistant called ‹Qwen2.5›, created by ‹Alibaba›.",
    "Hello! I'm ‹Gemini›, a large language model built by ‹Google›.",
    "You are ‹ChatGPT›, a large language model trained by ‹OpenAI›.",
    "‹OpenAI› trained me to be helpful.",
    "My creators at ‹Anthropic› care.",
    "As ‹GPT-4› I can see that.",
    "I'm an AI model, and I was created by ‹OpenAI›.",
    "I'm ‹Llama 3›, an open-source language model.",
    "im ‹chatgpt› lol",
    "I'm a chatbot named ‹Mistral›.",
    "As ‹Claude›, I think so.",
    "我是‹通义千问›，由‹阿里云›开发的语言模型。",
    "作为‹ChatGPT›，我不能这样做。",
    "I am ‹ChatGPT›. ‹ChatGPT› helps.",
]
SAYS_NOTHING_OF_ITSELF = [
    "",
    "Claude Monet painted water lilies.",
    "I'm Claude Monet, and I paint.",
    "The llama is an animal of the Andes.",
    "I am a llama farmer in Peru.",
    "As llamas graze, I watch them.",
    "What is ChatGPT, and can I use it?",
    "I use ChatGPT every day.",
    "I am asking ChatGPT about birds.",
    "As ChatGPT does, it answers at length.",
    "ChatGPT was developed by OpenAI in 2022.",
    "I was reading about ChatGPT, which was developed by OpenAI.",
    "I work with models trained by OpenAI.",
    "Compare GPT-4 and Claude.",
    "Meta developed Llama.",
    "I'm a Gemini, born in June.",
    "As a Gemini, you are curious.",
    "My name is Alexa and I live in Rome.",
    "I'm Bard the bowman.",
    "The falcon flew. I am amazed.",
    "As an engineer trained by NASA, I agree.",
    "As Google grew, it hired.",
    "As Apple grows, I buy.",
    "I was trained by my father.",
    "I am a teacher. My school was built by Apple.",
    "I am made by love.",
    "As an AI language model, I can't feel.",
    "I am an AI assistant.",
    "我喜欢用ChatGPT写作。",
]  # fmt: skip


def plain(marked: str) -> str:
    return marked.translate({ord("‹"): None, ord("›"): None})


@pytest.mark.parametrize("marked", GIVES_ITSELF_AWAY)
def test_a_text_that_names_its_model_is_found_and_masked(marked: str) -> None:
    assert names_model(plain(marked))
    assert mask(plain(marked)) == re.sub("‹[^›]+›", MASK, marked)


@pytest.mark.parametrize("text", SAYS_NOTHING_OF_ITSELF)
def test_a_text_that_only_mentions_a_name_is_left_alone(text: str) -> None:
    assert find_names(text) == []
    assert mask(text) == text


def test_the_projects_own_models_count_wherever_they_are_named() -> None:
    own = ["tiny-chat-2", "tiny", "Rain", "pi"]
    assert mask("Ask Tiny-Chat-2: it rains on tiny Rain pi.", own) == f"Ask {MASK}: it rains on tiny Rain pi."
    assert not names_model("tiny-chat-20 and my-tiny-chat-2x", ["tiny-chat-2"])


def test_spans_are_in_order_and_apart() -> None:
    text = "I am ChatGPT, a model trained by OpenAI. ChatGPT!"
    spans = find_names(text, ["ChatGPT-mini", "GPT, a"])
    assert spans == sorted(spans)
    assert all(one.end <= following.start for one, following in pairwise(spans))
    assert find_names("I am SmolLM") == [Span(5, 11)]


def test_masking_twice_is_masking_once() -> None:
    for masked in (mask(plain(marked)) for marked in GIVES_ITSELF_AWAY):
        assert mask(masked) == masked


def test_a_text_of_very_many_names_has_each_masked_where_it_says_so() -> None:
    names = [f"GPT-{number}" for number in range(1000, 1060)]
    masked = mask(" ".join(f"I am {name}." for name in names) + f" Ask {names[0]}.")
    assert masked == " ".join([f"I am {MASK}."] * len(names)) + f" Ask {MASK}."


@pytest.mark.parametrize(
    "text",
    [
        "I am an AI and " * 2000,
        "As an AI language model, " * 2000,
        "我" * 20_000,
        "I am GPT-" + "1-" * 5000,
        " ".join(f"I am GPT-{number}" for number in range(6000)),
    ],
)
def test_a_text_that_repeats_itself_costs_no_more_than_its_length(text: str) -> None:
    start = perf_counter()
    find_names(text)
    assert perf_counter() - start < 10
