"""A reward model's card: what it was made from, how, what came out, and how far to trust it, in markdown."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

Report = Mapping[str, Any]
ROWS: Final = 12
# What transformers' own pipeline needs: a classifier that reads one token.
PIPELINE: Final = ("library_name: transformers", "pipeline_tag: text-classification")
READINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stop": "read at a completion's stop token",
        "mean": (
            "the mean over a completion's tokens, the stop token among them; no sequence classifier of transformers "
            "reads that, so there is none of this model"
        ),
    }
)


def card(report: Report, metrics: Mapping[str, Any]) -> str:
    """The whole card."""
    lines = [
        "---",
        *(PIPELINE if reading(report) == "stop" else ()),
        "tags: [reward-model, plackett]",
        "---",
        "# Reward model",
        "",
        "Gives a completion of a prompt one number: higher is what the people below would rather read. Differences",
        "between completions of the same prompt mean something; a prompt's own level does not.",
        *(line for part in (lineage, data, held_out, parts, doubts) for line in ("", *part(report))),
        "",
        "## All metrics",
        "",
        *(f"- {name}: {number(value)}" for name, value in metrics.items()),
    ]
    return "\n".join([*lines, ""])


def lineage(report: Report) -> Iterator[str]:
    """Where it comes from: base, data, settings, seed."""
    origin = report["lineage"]
    yield from ("## Lineage", "")
    yield f"- base: {origin['base_sha256']}"
    if origin.get("behind_sha256"):
        yield f"- reads behind the virtual tokens of {origin['behind_sha256']}, which lie in `before`"
    yield f"- data: {origin['data_sha256']} ({report['preflight']['lines']} lines)"
    yield f"- score: {READINGS[reading(report)]}"
    yield f"- seed {origin['seed']}, {report['steps']} optimizer steps, prompts shared by {origin['prefix']}"
    seen = report["exposures"]
    yield f"- each comparison trained on {number(seen['mean'])} times on average, {seen['most']} at most"
    yield f"- made by Plackett {origin['version']} with torch {origin['torch']}, transformers {origin['transformers']}"
    yield from ("", "## Settings", "", *(f"- {name}: {value}" for name, value in origin["config"].items()))


def reading(report: Report) -> str:
    """Where the score is read; before there was a choice it was the stop token."""
    return str(report["lineage"]["config"].get("read", "stop"))


def data(report: Report) -> Iterator[str]:
    """What people said."""
    found = report["preflight"]
    yield from ("## Data", "")
    yield f"{found['prompts']} prompts, {found['judgments']} judgments by {found['annotators']} people, "
    yield f"{found['pairs']} pairs, {percent(found['ties'])} of them ties; splits: {listed(found['splits'])}."
    for text in report["warnings"][:ROWS]:
        yield f"- {text}"


def held_out(report: Report) -> Iterator[str]:
    """The figures on people's judgments that were kept from training."""
    found = report["judged"]
    yield from ("## On held-out judgments", "")
    if found is None:
        yield f"None: {report['held_out']['reason']}."
        return
    yield (
        f"{found['judgments']} judgments ({found['decided']} decided pairs) in {found['groups']} groups of the "
        f"{found['split']} split; temperature and θ fitted on: {found['read_by']}. In brackets: 95 % intervals that "
        "resample groups."
    )
    yield from ("", "| figure | value |", "| --- | --- |")
    yield f"| log loss per judgment | {estimate(found['log_loss'])} |"
    yield f"| – of equal scores | {estimate(found['undecided_log_loss'])} |"
    yield f"| – gain | {estimate(found['gain'])}, {found['gain']['verdict']} |"
    yield f"| accuracy on decided pairs | {estimate(found['accuracy'])} |"
    yield f"| – of taking the longer one | {estimate(found['longer_is_better'])} |"
    over = found["accuracy_over_longer"]
    yield f"| – difference | {estimate(over)}, {over['verdict']} |"
    yield f"| Kendall's τ-b | {estimate(found['tau_b'])} |"
    yield f"| tie AUC of −abs(Δ score) | {estimate(found['tie_auc'])} |"
    yield f"| Brier | {estimate(found['brier'])} |"
    yield from calibration(found["calibration"])
    yield from ceiling(found["ceiling"])


def calibration(found: Report) -> Iterator[str]:
    """How far its probabilities can be believed."""
    yield f"| calibration slope (ideal 1) | {estimate(found['slope'])} |"
    yield f"| calibration intercept (ideal 0) | {estimate(found['intercept'])} |"
    noise = ", within noise" if found["error_within_noise"] else ""
    yield (
        f"| calibration error | {number(found['error'])} "
        f"(a perfect model: {number(found['error_of_a_perfect_model'])}){noise} |"
    )


def ceiling(found: Report | None) -> Iterator[str]:
    """The model beside people."""
    if found is None:
        yield "| people's agreement | unknown: nobody judged what somebody else judged |"
        return
    yield f"| a person, foretold by the others' majority | {estimate(found['people'])} |"
    yield f"| the same judgments, foretold by the model | {estimate(found['model'])} |"
    yield f"| (model − longer) / (people − longer) | {estimate(found['reached'])} |"


def parts(report: Report) -> Iterator[str]:
    """Tables by property, and the worst disagreements."""
    found = report["judged"]
    for name, rows in (found["parts"] if found else {}).items():
        if rows:
            yield from ("", f"## By {name.replace('_', ' ')}", "")
            yield from table(name, rows)
    for row in (found["disagreements"] if found else [])[:3]:
        yield from ("", f"### Disagreement on prompt {row['prompt']} (chance given: {percent(row['chance'])})", "")
        yield from (f"- asked: {flat(row['asked'])}", f"- preferred: {flat(row['preferred'])}")
        yield f"- scored higher: {flat(row['other'])}"


def table(name: str, rows: Sequence[Report]) -> Iterator[str]:
    """One table of accuracies."""
    yield from (f"| {name.replace('_', ' ')} | decided pairs | accuracy |", "| --- | --- | --- |")
    yield from (f"| {flat(str(row[name]))} | {row['decided']} | {estimate(row['accuracy'])} |" for row in rows[:ROWS])


def doubts(report: Report) -> Iterator[str]:
    """What it should not be used for."""
    correlation = report["length_correlation"]
    yield from ("## Limits", "")
    yield f"- Score and length correlate by {number(correlation)} within prompts."
    yield "- It learnt the taste of the people above on the prompts above; elsewhere its scores are guesses."
    yield "- Whatever is trained against it will find its weaknesses: judge that with people, or another model."


def estimate(found: Report) -> str:
    """A value with its interval."""
    bounds = f" [{number(found['low'])}, {number(found['high'])}]" if found["low"] is not None else ""
    return number(found["value"]) + bounds


def number(value: Any) -> str:
    """A number with three decimals."""
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def percent(value: float | None) -> str:
    """A share."""
    return "–" if value is None else f"{value:.0%}"


def listed(counts: Mapping[str, int]) -> str:
    """Counts in words."""
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def flat(text: str) -> str:
    """Text that breaks no line and no table."""
    return " ".join(text.split()).replace("|", "\\|")[:200]
