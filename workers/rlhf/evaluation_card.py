"""An evaluation in markdown: what was compared, by whom, what came out, and how far to trust it."""

from collections.abc import Iterator, Mapping
from typing import Any

from workers.rlhf.reward_card import estimate, flat, number, percent

Report = Mapping[str, Any]


def card(report: Report) -> str:
    """The whole card."""
    lines = [
        "# Evaluation",
        "",
        f"Each model wrote {report['completions_per_prompt']} completions of the same {report['prompts']} held-out",
        "prompts. In brackets: 95 % intervals that resample prompts.",
        *(line for part in (comparisons, models, forgetting, samples, lineage) for line in ("", *part(report))),
    ]
    return "\n".join([*lines, ""])


def comparisons(report: Report) -> Iterator[str]:
    """Who beats whom, before which judge."""
    yield from ("## Does the policy write better?", "")
    if not report["comparisons"]:
        yield "Nobody judged: no reward model was given, and no people were asked."
        return
    yield from ("| against | judge | win rate | at the same length | verdict |", "| --- | --- | --- | --- | --- |")
    for row in report["comparisons"]:
        verdict = row["verdict"] if row["standing"] == "judge" else "promotes nothing"
        yield (
            f"| {row['against']} | {row['judge']} ({row['standing']}) | {estimate(row['win_rate'])} | "
            f"{estimate(row['length_matched_win_rate'])} | {verdict} |"
        )
    yield ""
    for one in report["judges"]:
        cut = one["cut"]
        unread = (
            f"; it read {cut['prompts']} prompts and {cut['completions']} completions cut" if any(cut.values()) else ""
        )
        yield f"- {one['name']}: {one['why']}{unread}"


def models(report: Report) -> Iterator[str]:
    """What each model's completions are like."""
    yield from ("## What each model writes", "")
    yield "| model | KL in nats (SE) | nats a token | tokens | stopped | repeated | distinct-1 | distinct-2 | flagged |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, row in report["models"].items():
        far = row["kl"]
        kl = f"{number(far['value'])} ({number(far['standard_error'])})" if far else "–"
        flags = ", ".join(f"{flag} {percent(seen['share'])}" for flag, seen in row["flags"].items() if seen["share"])
        yield (
            f"| {name} | {kl} | {number(far['per_token'] if far else None)} | {estimate(row['tokens'])} | "
            f"{percent(row['stopped'])} | {percent(row['repetition'])} | {number(row['distinct_1'])} | "
            f"{number(row['distinct_2'])} | {flags or 'none'} |"
        )


def forgetting(report: Report) -> Iterator[str]:
    """What was forgotten of other texts."""
    yield from ("## Held-out text", "")
    if not report["forgetting"]:
        yield "No text was given, so nothing is known of what was forgotten."
    for row in report["forgetting"]:
        seen = ", ".join(f"{name} {number(value)}" for name, value in row["perplexity"].items())
        yield f"- {flat(row['text'])}, {row['tokens']} tokens, perplexity: {seen}"


def samples(report: Report) -> Iterator[str]:
    """Texts to read."""
    yield "## The same prompts as ever"
    for row in report["samples"]:
        yield from ("", f"### {flat(row['prompt'])}", "")
        yield from (f"- {name}: {flat(one['text'])}" for name, one in row["completions"].items())


def lineage(report: Report) -> Iterator[str]:
    """What has to be known to do it again."""
    origin = report["lineage"]
    yield from ("## Lineage", "")
    yield from (f"- {role}: {sha256}" for role, sha256 in origin["models"].items())
    yield f"- prompts: {origin['data_sha256']}, seed {origin['seed']}"
    yield from (f"- {name}: {value}" for name, value in origin["config"].items())
