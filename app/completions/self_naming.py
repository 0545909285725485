"""Where a text says which model wrote it, and the same text with that name taken out. Pure: no database, no clock.

A name alone says nothing: people ask about ChatGPT, paint like Claude Monet and feed llamas. What counts is a speaker
naming itself ("I am SmolLM", "As ChatGPT, …", "an AI made by Anthropic" said of oneself). A project's own model
versions count wherever they are named, if the name could not be an ordinary word.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

MASK: Final = "[model]"

# Names that are nothing else, in any spelling of their letters' case.
CLEAR_NAMES: Final = (
    "ChatGPT", "InstructGPT", "GPT", "SmolLM", "DeepSeek", "Qwen", "Mixtral", "Mistral", "StableLM", "OLMo", "ChatGLM",
    "InternLM", "Baichuan", "LaMDA", "PaLM", "Gemma", "OpenAssistant", "Open Assistant", "Nemotron", "Pythia",
    "MiniMax", "Bing Chat", "Microsoft Copilot", "Google Bard", "Google Gemini", "Meta AI", "Hunyuan", "Doubao", "Kimi",
    "通义千问", "文心一言", "豆包", "讯飞星火", "混元",
)  # fmt: skip
# Names that are also people, animals, signs and words: with a capital, and only where the rest says "machine".
SHARED_NAMES: Final = (
    "Claude", "Gemini", "LLaMA", "Llama", "Falcon", "Alpaca", "Vicuna", "Phi", "Bard", "Bloom", "BLOOM", "Koala",
    "Dolly", "Grok", "Copilot", "Zephyr", "Command", "Yi", "Pi", "ERNIE", "Bing", "Cortana", "Siri", "Alexa",
)  # fmt: skip
MAKERS: Final = (
    "OpenAI", "Open AI", "Anthropic", "Google DeepMind", "DeepMind", "Google", "Meta AI", "Meta", "Microsoft",
    "Mistral AI", "Mistral", "Hugging Face", "HuggingFace", "Alibaba Cloud", "Alibaba", "DeepSeek", "xAI", "Cohere",
    "Stability AI", "EleutherAI", "Baidu", "Tencent", "ByteDance", "the Allen Institute for AI", "NVIDIA", "Nvidia",
    "Zhipu AI", "Moonshot AI", "Amazon", "Apple", "LAION", "Databricks",
    "阿里云", "阿里巴巴", "百度", "腾讯", "字节跳动", "深度求索", "智谱", "科大讯飞", "月之暗面", "华为",
)  # fmt: skip


def _any_of(words: Collection[str]) -> str:
    """A pattern for one of `words`, the longest that fits."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in sorted(words, key=len, reverse=True))


# Names end where Latin letters and digits end: Chinese puts no space behind them.
END: Final = r"(?![A-Za-z0-9_])"
VERSION: Final = r"(?:[-\s]?v?\d[A-Za-z0-9.]*[A-Za-z0-9]|[-\s]?v?\d)?(?:-[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)*"
CLEAR: Final = rf"(?:(?i:{_any_of(CLEAR_NAMES)}){VERSION})"
SHARED: Final = rf"(?:(?:{_any_of(SHARED_NAMES)}){END}{VERSION})"
NAME: Final = rf"(?:{CLEAR}|{SHARED})"
KNOWN_MAKER: Final = rf"(?:(?i:{_any_of(MAKERS)}){END})"
A_MAKER: Final = r"(?:[A-Z][\w&-]*(?:\s[A-Z][\w&-]*){0,3})"

# "I am", "my name is": the speaker is about to say who it is. Straight and typographic apostrophes.
SPEAKER: Final = r"(?i:\b(?:I\s?['’]?\s?a?m|my\s+name\s+is|my\s+name['’]s|call\s+me|you\s+are|you['’]re))"
TOLD_OF: Final = r"(?i:\b(?:I\s?['’]?\s?a?m|I\s+was|I\s+have\s+been|I['’]ve\s+been|as|you\s+are))"
MACHINE: Final = r"(?i:\bA\.?I\.?\b|artificial|language\s+model|assistant|chat\s?bot|\bmodel\b|\bLLM\b)"
MADE: Final = (
    r"(?i:(?:developed|created|trained|built|made|designed|fine-?tuned|trained\s+and\s+developed|provided|released)"
    r"(?:(?:\s+and|,)\s+\w+)?\s+(?:by|at|from)\s+(?:researchers\s+at\s+|the\s+team\s+at\s+)?)"
)
# What may stand between "I am" and "developed by" for the speaker to be still talking of itself.
# A word that is read stays read: giving back letters of names would cost milliseconds at each "I am".
DESCRIPTION: Final = (
    r"(?>[\s,]+(?:(?i:an?|the|your|I|I['’]m|am|just|only|AI|A\.I\.|AI-powered|artificial|intelligence|large|small|"
    r"language|model|models|LLM|assistant|chat\s?bot|bot|virtual|digital|computer|program|system|helpful|friendly|harmless|"
    r"honest|conversational|open-source|neural|network|machine|learning|generative|powered|based|and|called|named|known|"
    r"as|that|which|who|was|is|has|have|been|being|originally|recently)|"
    rf"{NAME})(?=[\s,])){{0,16}}"
)

SAYS_NAME: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # "I am SmolLM2-135M", "My name is ChatGPT".
        rf"{SPEAKER}\s+(?:(?i:an?|the|called|named)\s+)?(?P<name>{CLEAR}){END}",
        # "As ChatGPT, …", "As GPT-4 I …": not "as ChatGPT does".
        rf"(?i:\bas)\s+(?:(?i:an?|the)\s+)?(?P<name>{CLEAR}){END}(?=\s*(?:[,(]|I\b|I['’]))",
        # "I'm Claude.": not "I'm Claude Monet", not "I'm a Gemini".
        rf"{SPEAKER}\s+(?P<name>Claude{VERSION}){END}(?=\s*(?:[.!,;:)\n]|$)(?!\s*[a-z]*\s*(?i:the\s+painter|monet)))",
        # "I'm Gemini, a large language model": the sentence says that a machine speaks.
        rf"{SPEAKER}\s+(?:(?i:an?|the)\s+)?(?P<name>{SHARED})(?=[^.!?\n]{{0,80}}(?:{MACHINE}|{MADE}{KNOWN_MAKER}))",
        rf"(?i:\bas)\s+(?P<name>{SHARED})(?=\s*,\s*I\b|\s*,\s*an?\s+(?:{MACHINE}|(?i:large)))",
        # "an assistant called SmolLM", said of oneself.
        rf"{SPEAKER}{DESCRIPTION}[\s,]+(?i:called|named|known\s+as)\s+(?P<name>{NAME}){END}",
        rf"(?:我是|我叫|我的名字是|作为|我的名字叫)\s*(?P<name>{NAME})",
        rf"我是[^。！？\n]{{0,30}}?(?P<name>{CLEAR})",
    )
)
SAYS_MAKER: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # "I was developed by OpenAI", "As an AI language model trained by X".
        rf"(?P<said>{TOLD_OF}{DESCRIPTION}[\s,]+){MADE}(?P<name>{KNOWN_MAKER}|{A_MAKER})",
        # "I'm Claude, an AI by Anthropic".
        rf"(?P<said>{SPEAKER}{DESCRIPTION}\s+)(?i:by|from)\s+(?P<name>{KNOWN_MAKER})",
        rf"(?P<said>)(?P<name>{KNOWN_MAKER})(?i:\s+(?:has\s+)?(?:trained|created|developed|made|built|designed)\s+me\b)",
        rf"(?P<said>(?i:\bmy\s+(?:creators?|developers?|makers?))(?:(?i:\s+at|\s+is|\s+are|,))?\s+)(?P<name>{KNOWN_MAKER})",
        rf"(?P<said>我[^。！？\n]{{0,30}}?由\s*)(?P<name>{KNOWN_MAKER})(?=[^。！？\n]{{0,8}}(?:开发|训练|研发|创建|打造|推出|创造))",
    )
)
HINT: Final = re.compile(rf"{NAME}|{KNOWN_MAKER}|{MACHINE}")
# Each costs a search through the whole text, and nobody is that many models; where a name says who speaks, it counts
# in any case.
MOST_REPEATED: Final = 50
IS_MACHINE: Final = re.compile(MACHINE)
IS_KNOWN_MAKER: Final = re.compile(KNOWN_MAKER)
LONE_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of text, from `start` up to and without `end`."""

    start: int
    end: int


def find_names(text: str, own_names: Collection[str] = ()) -> list[Span]:
    """Where `text` names its own model or that model's maker, in order and without overlaps.

    `own_names` are the names of the project's model versions.
    """
    spans = set(_own(text, own_names))
    if HINT.search(text):
        spans |= {Span(*match.span("name")) for pattern in SAYS_NAME for match in pattern.finditer(text)}
        spans |= set(_repeats(text, spans)) | set(_makers(text))
    return _apart(spans)


def names_model(text: str, own_names: Collection[str] = ()) -> bool:
    """Whether `text` gives away which model wrote it."""
    return bool(find_names(text, own_names))


def mask(text: str, own_names: Collection[str] = ()) -> str:
    """`text` with `[model]` in place of every name that gives its writer away."""
    for span in reversed(find_names(text, own_names)):
        text = text[: span.start] + MASK + text[span.end :]
    return text


def _makers(text: str) -> Iterator[Span]:
    for pattern in SAYS_MAKER:
        for match in pattern.finditer(text):
            if IS_KNOWN_MAKER.fullmatch(match["name"]) or IS_MACHINE.search(match["said"]):
                yield Span(*match.span("name"))


def _repeats(text: str, spans: Collection[Span]) -> Iterator[Span]:
    """A text that said once who speaks gives it away wherever it uses that name again."""
    said = dict.fromkeys(text[span.start : span.end] for span in sorted(spans))
    for name in islice(said, MOST_REPEATED):
        for match in re.finditer(rf"(?<!\w){re.escape(name)}{END}", text):
            yield Span(*match.span())


def _own(text: str, own_names: Collection[str]) -> Iterator[Span]:
    for name in own_names:
        if len(name) < 4 or LONE_WORD.fullmatch(name):
            continue
        for match in re.finditer(rf"(?<!\w)(?i:{re.escape(name)}){END}", text):
            yield Span(*match.span())


def _apart(spans: Collection[Span]) -> list[Span]:
    apart: list[Span] = []
    for span in sorted(spans):
        if apart and span.start < apart[-1].end:
            apart[-1] = Span(apart[-1].start, max(span.end, apart[-1].end))
        else:
            apart.append(span)
    return apart
