"""Look at the data before any compute is spent: what is dropped, cut, contradictory or lopsided.

The report is plain data; every part that a person should act on is also a warning in words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from workers.rlhf.annotators import judgment_counts
from workers.rlhf.course import says_something
from workers.rlhf.data import BadDataError, Chat
from workers.rlhf.groups import components, prompt_text
from workers.rlhf.pairs import RankedPrompt, effective, merge
from workers.rlhf.ranking_file import BadRow, RankingFile
from workers.rlhf.reward_configs import RewardConfig

LISTED: Final = 20
DOMINANT: Final = 0.5
LOPSIDED: Final = 0.65
ENOUGH_PAIRS: Final = 30


@dataclass(slots=True)
class Cuts:
    """What does not fit the longest lengths; `made_equal` lists prompts with the places that became the same."""

    prompts: int = 0
    completions: int = 0
    tokens: int = 0
    equal_pairs: int = 0
    made_equal: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Preflight:
    """The prompts that are left, and what was found."""

    prompts: list[RankedPrompt]
    report: dict[str, Any]
    warnings: list[str]

    @property
    def summary(self) -> str:
        """One line about what is there."""
        found = self.report
        return (
            f"Pre-flight: {found['prompts']} prompts, {found['judgments']} judgments by {found['annotators']} people, "
            f"{found['pairs']} pairs, {found['ties']:.0%} of them ties; splits: "
            + (", ".join(f"{split} {count}" for split, count in found["splits"].items()) or "none")
            + "."
        )


def check(file: RankingFile, chat: Chat, config: RewardConfig) -> Preflight:
    """Tokenise every text, leave out what can't be learnt from, and report."""
    cuts, bad = Cuts(), list(file.bad)
    readable = list(encoded(file.prompts, chat, config, cuts, bad))
    kept = [prompt for prompt in readable if prompt.pairs]
    report = contents(kept, config) | {
        "lines": file.lines,
        "bad_rows": {"count": len(bad), "list": [asdict(row) for row in bad[:LISTED]]},
        "dropped": {
            "no_comparison": len(readable) - len(kept),
            "all_tied": sum(not says_something(prompt, config) for prompt in kept),
        },
        "identical": {
            "pairs": sum(prompt.identical for prompt in readable),
            "prompts": sum(prompt.identical > 0 for prompt in readable),
        },
        "truncated": {
            "prompts": cuts.prompts,
            "completions": cuts.completions,
            "tokens": cuts.tokens,
            "made_equal": {"pairs": cuts.equal_pairs, "list": cuts.made_equal[:LISTED]},
        },
        "contradictory": {"same_person": contradictions(kept), "cycles": cycles(kept)},
        "leaking": leaks(kept),
        "dominance": dominance(kept),
        "length_bias": length_bias(kept),
    }
    return Preflight(kept, report, list(warnings_of(report)))


def encoded(
    prompts: Sequence[RankedPrompt], chat: Chat, config: RewardConfig, cuts: Cuts, bad: list[BadRow]
) -> Iterator[RankedPrompt]:
    """The prompts that the chat template takes, without pairs that are the same once they are cut."""
    for prompt in prompts:
        try:
            asked = chat.prompt(prompt.messages, config.max_prompt_tokens)
        except BadDataError as error:
            bad.append(BadRow(prompt.line, str(prompt.prompt_id), str(error)))
            continue
        said = [chat.completion(text, config.max_completion_tokens) for text in prompt.texts]
        cuts.prompts += asked.cut > 0
        cuts.completions += sum(part.cut > 0 for part in said)
        cuts.tokens += asked.cut + sum(part.cut for part in said)
        ids = [part.ids for part in said]
        merged = merge(prompt, tuple(ids.index(row) for row in ids))
        lost = len(prompt.pairs) - len(merged.pairs)
        if lost:
            cuts.equal_pairs += lost
            cuts.made_equal.append({"line": prompt.line, "prompt": prompt.prompt_id, "same_as": list(merged.same)})
        yield merged


def contents(prompts: Sequence[RankedPrompt], config: RewardConfig) -> dict[str, Any]:
    """How much there is, and of what."""
    pairs = [pair for prompt in prompts for pair in prompt.pairs]
    overlap = [Counter(pair.places for pair in prompt.pairs) for prompt in prompts]
    counts = [count for judged in overlap for count in judged.values()]
    effective_counts = [effective(count, config.overlap_correlation) for count in counts]
    return {
        "prompts": len(prompts),
        "judgments": sum(len(prompt.judgments) for prompt in prompts),
        "annotators": len(judgment_counts(prompts)),
        "pairs": len(pairs),
        "ties": sum(pair.tie for pair in pairs) / max(1, len(pairs)),
        "splits": dict(sorted(Counter(prompt.split for prompt in prompts).items())),
        "completions_per_prompt": {str(k): n for k, n in sorted(Counter(len(p.texts) for p in prompts).items())},
        "partial_judgments": sum(None in entry.ranks for prompt in prompts for entry in prompt.judgments),
        "overlap": {
            "judgments_per_pair": sum(counts) / max(1, len(counts)),
            "effective_judgments": sum(effective_counts),
            "correlation": config.overlap_correlation,
        },
    }


def contradictions(prompts: Sequence[RankedPrompt]) -> dict[str, Any]:
    """Pairs of texts about which one person said both that the first is better and that the second is."""
    said: dict[tuple[str, str, str, str], set[bool]] = defaultdict(set)
    where: dict[tuple[str, str, str, str], RankedPrompt] = {}
    for prompt in prompts:
        asked = prompt_text(prompt)
        for pair in prompt.pairs:
            if not pair.tie:
                won, lost = prompt.texts[pair.first], prompt.texts[pair.second]
                key = (pair.annotator, asked, min(won, lost), max(won, lost))
                said[key].add(won < lost)
                where[key] = prompt
    both = [key for key, views in said.items() if len(views) == 2]
    listed = [{"annotator": key[0], "prompt": where[key].prompt_id, "line": where[key].line} for key in both[:LISTED]]
    return {"pairs": len(both), "list": listed}


def cycles(prompts: Sequence[RankedPrompt]) -> dict[str, Any]:
    """Prompts whose majorities go round in a circle: a before b, b before c, c before a."""
    votes: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    named: dict[str, RankedPrompt] = {}
    for prompt in prompts:
        asked = prompt_text(prompt)
        named[asked] = prompt
        votes[asked].update((prompt.texts[p.first], prompt.texts[p.second]) for p in prompt.pairs if not p.tie)
    round_ones = [asked for asked, counted in votes.items() if _goes_round(counted)]
    listed = [{"prompt": named[asked].prompt_id, "line": named[asked].line} for asked in round_ones[:LISTED]]
    return {"prompts": len(round_ones), "list": listed}


def _goes_round(votes: Mapping[tuple[str, str], int]) -> bool:
    """Whether no text is left to take off that beats nobody among the others."""
    beats = {(won, lost) for (won, lost), count in votes.items() if count > votes.get((lost, won), 0)}
    left = {text for edge in beats for text in edge}
    while left:
        beats_nobody = {text for text in left if not any(won == text and lost in left for won, lost in beats)}
        if not beats_nobody:
            return True
        left -= beats_nobody
    return False


def leaks(prompts: Sequence[RankedPrompt]) -> dict[str, Any]:
    """Groups of equal prompts or shared completions that lie in more than one split."""
    parts: dict[int, list[RankedPrompt]] = defaultdict(list)
    for group, prompt in zip(components(prompts), prompts, strict=True):
        parts[group].append(prompt)
    torn = [group for group in parts.values() if len({prompt.split for prompt in group}) > 1]
    listed = [[{"prompt": p.prompt_id, "line": p.line, "split": p.split} for p in group[:LISTED]] for group in torn]
    return {"groups": len(torn), "prompts": sum(map(len, torn)), "all_groups": len(parts), "list": listed[:LISTED]}


def dominance(prompts: Sequence[RankedPrompt]) -> dict[str, Any]:
    """The annotator with most judgments, and their share."""
    counts = judgment_counts(prompts)
    if not counts:
        return {"annotator": None, "judgments": 0, "share": None}
    name, most = counts.most_common(1)[0]
    return {"annotator": name, "judgments": most, "share": most / counts.total()}


def length_bias(prompts: Sequence[RankedPrompt]) -> dict[str, Any]:
    """How often people preferred the longer of two completions (in characters)."""
    longer = [
        len(prompt.texts[pair.first]) > len(prompt.texts[pair.second])
        for prompt in prompts
        for pair in prompt.pairs
        if not pair.tie and len(prompt.texts[pair.first]) != len(prompt.texts[pair.second])
    ]
    return {"longer_preferred": sum(longer) / len(longer) if longer else None, "pairs": len(longer)}


def warnings_of(report: Mapping[str, Any]) -> Iterator[str]:
    """What a person should know before the run goes on."""
    for row in report["bad_rows"]["list"]:
        yield (
            f"Left out line {row['line']}"
            + (f" (prompt {row['prompt']})" if row["prompt"] else "")
            + (f": {row['reason']}")
        )
    more = report["bad_rows"]["count"] - len(report["bad_rows"]["list"])
    if more > 0:
        yield f"Left out {more} more lines that are bad."
    yield from _losses(report)
    yield from _doubts(report)


def _losses(report: Mapping[str, Any]) -> Iterator[str]:
    cut, dropped, equal = report["truncated"], report["dropped"], report["truncated"]["made_equal"]
    if dropped["no_comparison"]:
        yield f"{dropped['no_comparison']} prompts have no comparison and are left out."
    if dropped["all_tied"]:
        yield f"{dropped['all_tied']} prompts have ties alone, which this likelihood does not read."
    if report["identical"]["pairs"]:
        yield f"{report['identical']['pairs']} pairs compare equal texts and are left out."
    if cut["prompts"] or cut["completions"]:
        yield f"{cut['prompts']} prompts lose their start and {cut['completions']} completions their end: too long."
    if equal["pairs"]:
        names = ", ".join(str(row["prompt"]) for row in equal["list"])
        yield f"Cutting makes completions equal; {equal['pairs']} pairs are left out (prompts {names})."


def _doubts(report: Mapping[str, Any]) -> Iterator[str]:
    same, leaking = report["contradictory"]["same_person"], report["leaking"]
    if same["pairs"]:
        yield f"{same['pairs']} pairs were judged both ways by the same person."
    if report["contradictory"]["cycles"]["prompts"]:
        yield f"On {report['contradictory']['cycles']['prompts']} prompts the majority's preferences go in a circle."
    if leaking["groups"]:
        yield f"{leaking['prompts']} prompts share text with prompts of another split: held-out figures flatter."
    top, bias = report["dominance"], report["length_bias"]
    if top["share"] is not None and top["share"] > DOMINANT and report["annotators"] > 1:
        yield f"{top['annotator']} gave {top['share']:.0%} of all judgments: the model learns their taste."
    if bias["pairs"] >= ENOUGH_PAIRS and not 1 - LOPSIDED <= bias["longer_preferred"] <= LOPSIDED:
        yield f"The longer completion was preferred in {bias['longer_preferred']:.0%} of decided pairs."
