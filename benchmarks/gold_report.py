"""What came out of the gold experiment: a table with two-level intervals, a comparison at equal KL, and a chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, log
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from workers.rlhf.win_rates import Comparisons

# KL and gold at the points of an arm's way.
Way = Sequence[tuple[float, float]]
RESAMPLES = 2000
EQUAL_KL = (2.0, 4.0)
# Nats; gold bends as it goes away from the start, and a line over more than this would be a guess.
WIDEST_GAP = 1.0
COLOURS = ("#2563eb", "#dc2626", "#15803d", "#9333ea", "#525252", "#0891b2")
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 60, 24, 190, 48


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over seeds and prompts with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One arm's completions of one seed, prompt by prompt: gold scores, characters, nats from the reference."""

    gold: Sequence[Sequence[float]]
    length: Sequence[Sequence[float]]
    nats: Sequence[Sequence[float]] | None = None


def two_levels(values: Any, *, seed: int = 0) -> Figure:
    """A mean whose interval resamples seeds, and within each the prompts."""
    values = np.asarray(values, dtype=np.float64)
    seeds, prompts = values.shape
    draw = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        rows = draw.integers(seeds, size=seeds)
        means[number] = np.mean([values[row][draw.integers(prompts, size=prompts)].mean() for row in rows])
    low, high = np.percentile(means, [2.5, 97.5])
    return Figure(float(values.mean()), float(low), float(high))


def wins_by_prompt(own: Written, start: Written) -> list[float]:
    """How often an arm's completions of each prompt beat those of the model that it started from."""
    pairs = Comparisons.of(own.gold, start.gold, own.length, start.length)
    return [float(pairs.won_M[pairs.prompt_M == prompt].mean()) for prompt in range(len(own.gold))]


def row(own: Sequence[Written], start: Sequence[Written]) -> dict[str, Any]:
    """An arm's figures over all seeds."""
    matched = [
        Comparisons.of(mine.gold, theirs.gold, mine.length, theirs.length).length_matched().value
        for mine, theirs in zip(own, start, strict=True)
    ]
    known = [value for value in matched if value is not None]
    far = None
    if all(one.nats is not None for one in own):
        far = two_levels([[float(np.mean(group)) for group in one.nats or ()] for one in own])
    return {
        "win": two_levels([wins_by_prompt(*both) for both in zip(own, start, strict=True)]),
        "length_matched_win": float(np.mean(known)) if known else None,
        "gold": two_levels([[float(np.mean(group)) for group in one.gold] for one in own]),
        "kl": far,
        "characters": float(np.mean([length for one in own for group in one.length for length in group])),
    }


def best_of_n_kl(count: int) -> float:
    """At most so many nats lie between the best of n and what it is chosen from (Stiennon et al. 2020, G.3)."""
    return log(count) - (count - 1) / count


def best_of_n_weights(scores: Sequence[float], count: int) -> list[float]:
    """How likely each of N completions is to be the best of `count` drawn from them without putting back."""
    total = comb(len(scores), count)
    order = sorted(range(len(scores)), key=lambda place: scores[place])
    weights = [0.0] * len(scores)
    for rank, place in enumerate(order):
        weights[place] = comb(rank, count - 1) / total
    return weights


def at_equal_kl(points: Way, nats: float) -> float | None:
    """Gold at a distance, on the line between the points (KL, gold) around it.

    None where the arm does not get there, or where those points are too far apart to say.
    """
    ordered = sorted(points)
    after = next((place for place, (kl, _) in enumerate(ordered) if kl >= nats), None)
    if after is None or ordered[0][0] > nats:
        return None
    if after and ordered[after][0] - ordered[after - 1][0] > WIDEST_GAP:
        return None
    return float(np.interp(nats, [kl for kl, _ in ordered], [gold for _, gold in ordered]))


def equal_kl_rows(ways: Mapping[str, Sequence[Way]], against: str) -> list[dict[str, Any]]:
    """Every arm's gold at equal KL and by how much it leads one arm, seed by seed; None where one is not there."""
    return [
        {"arm": name} | {f"{nats:g}": gaps_at(seeds, ways[against], nats) for nats in EQUAL_KL}
        for name, seeds in ways.items()
    ]


def gaps_at(own: Sequence[Way], other: Sequence[Way], nats: float) -> dict[str, Any] | None:
    """Gold at a distance over the seeds that both have, and the leads; None where one does not get there in a seed."""
    both = [(at_equal_kl(mine, nats), at_equal_kl(theirs, nats)) for mine, theirs in zip(own, other, strict=False)]
    known = [(one, two) for one, two in both if one is not None and two is not None]
    if len(known) < len(both):
        return None
    return {"gold": float(np.mean([one for one, _ in known])), "gaps": [one - two for one, two in known]}


def chosen(written: Written, weights: Sequence[Sequence[float]]) -> dict[str, float]:
    """Gold, and gold win against one completion taken at random, of a choice that takes each with a probability."""
    gold, won = [], []
    for values, shares in zip(written.gold, weights, strict=True):
        beats = [sum(other < one for other in values) + sum(other == one for other in values) / 2 for one in values]
        gold.append(float(np.dot(values, shares)))
        won.append(float(np.dot(beats, shares)) / len(values))
    return {"gold": float(np.mean(gold)), "win": float(np.mean(won))}


def ordered_alike(scores: Sequence[Sequence[float]], gold: Sequence[Sequence[float]]) -> float:
    """Share of pairs of one prompt's completions that two scores order alike; where either is equal, half."""
    alike = [
        0.5 + 0.5 * float(np.sign(one - other) * np.sign(mine - theirs))
        for by_score, by_gold in zip(scores, gold, strict=True)
        for (one, mine), (other, theirs) in combinations(zip(by_score, by_gold, strict=True), 2)
    ]
    return float(np.mean(alike))


def reward_lines(found: Sequence[Mapping[str, float]]) -> list[str]:
    """What the reward models learnt, by seed, in markdown."""
    lines = [
        "## The reward model",
        "",
        "| seed | steps | right on held-out decided pairs | pairs |",
        "|---|---|---|---|",
    ]
    return lines + [
        f"| {seed} | {one['steps']:.0f} | {one['accuracy']:.3f} | {one['pairs']:.0f} |"
        for seed, one in enumerate(found)
    ]


def page(
    rows: Mapping[str, Mapping[str, Any]],
    ways: Mapping[str, Sequence[Way]],
    best: Sequence[Sequence[Mapping[str, float]]],
    *,
    against: str,
    ends: Sequence[tuple[float, float] | None] = (),
) -> str:
    """All tables in markdown. `ends` are KL and gold win of `against`, seed by seed; None where it has not run."""
    lines = ["# The gold experiment", "", "Written by `benchmarks/gold.py`, which says what is done.", ""]
    lines += [*table(rows), ""]
    if against in ways:
        lines += ["## At equal KL", "", *equal_kl_table(equal_kl_rows(ways, against), against), ""]
    lines += ["## The best of n", ""]
    lines += ["| n | KL at most | gold | gold win | prompts, seed by seed |", "|---|---|---|---|---|"]
    for place, point in enumerate(max(best, key=len)):
        # A seed chooses from many only after its first arm.
        known = [seed[place] for seed in best if len(seed) > place]
        gold, win = (float(np.mean([one[name] for one in known])) for name in ("gold", "win"))
        at = ", ".join(f"{one['prompts']:.0f}" for one in known)
        lines.append(f"| {point['n']:.0f} | {point['kl']:.2f} | {gold:.2f} | {win:.3f} | {at} |")
    lines += ["", beside_the_best(ends, best, against)] if against in rows else []
    return "\n".join([*lines, "", "![Gold over the square root of KL](images/gold.svg)", ""])


def beside_the_best(
    ends: Sequence[tuple[float, float] | None], best: Sequence[Sequence[Mapping[str, float]]], name: str
) -> str:
    """An arm's gold win less that of the best of n at the arm's KL: a mean over the seeds where n goes so far."""
    there = []
    for end, seed in zip(ends, best, strict=True):
        win = None if end is None else at_equal_kl([(point["kl"], point["win"]) for point in seed], end[0])
        there += [] if end is None or win is None else [(*end, win)]
    if not there:
        farthest = max(seed[-1]["n"] for seed in best)
        return f"{name} is farther than a seed's best of n can be (n is {farthest:.0f} at most): no lead is shown."
    kl, own, win = (float(np.mean(values)) for values in zip(*there, strict=True))
    seeds = f"{len(there)} of {len(best)} seeds"
    return f"At {kl:.2f} nats the best of n wins {win:.3f}; {name} {own - win:+.3f} of that ({seeds})."


def table(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The arms in markdown."""
    lines = ["| arm | gold win against SFT | at the same length | gold, SFT SDs | KL, nats | characters |"]
    lines.append("|---|---|---|---|---|---|")
    for name, found in rows.items():
        matched = "–" if found["length_matched_win"] is None else f"{found['length_matched_win']:.3f}"
        cells = [name, found["win"], matched, found["gold"], found["kl"] or "–", f"{found['characters']:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def equal_kl_table(rows: Sequence[Mapping[str, Any]], against: str) -> list[str]:
    """Gold at equal KL in markdown."""
    names = [f"{nats:g}" for nats in EQUAL_KL]
    lines = [f"| arm | {' | '.join(f'gold at {name} nats | lead over {against}, by seed' for name in names)} |"]
    lines.append("|---" * (1 + 2 * len(names)) + "|")
    return lines + [f"| {found['arm']} | {' | '.join(cells_of(found[name]) for name in names)} |" for found in rows]


def cells_of(found: Mapping[str, Any] | None) -> str:
    """Gold and leads at one distance."""
    if found is None:
        return "not shown | not shown"
    gaps = ", ".join(f"{gap:+.2f}" for gap in found["gaps"])
    return f"{found['gold']:.2f} | {float(np.mean(found['gaps'])):+.2f} ({gaps})"


def chart(curves: Mapping[str, Sequence[Way]]) -> str:
    """Gold over √KL as SVG: a line a seed, a colour an arm."""
    roots = {name: [[(max(0.0, kl) ** 0.5, gold) for kl, gold in seed] for seed in curves[name]] for name in curves}
    points = [point for seeds in roots.values() for seed in seeds for point in seed]
    far = max((x for x, _ in points), default=1.0) or 1.0
    low, high = min([y for _, y in points] + [0.0]), max([y for _, y in points] + [0.1])

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across = LEFT + point[0] / far * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (point[1] - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    level = at((0.0, 0.0))[1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"',
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *(_tick_x(at((far * share, low)), far * share) for share in (0, 0.25, 0.5, 0.75, 1)),
        *(_tick_y(at((0, y)), y) for y in (low, (low + high) / 2, high)),
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="#bbb"/>',
        f'<text x="{LEFT}" y="{HEIGHT - 8}" fill="#444">√KL from SFT (√nats)</text>',
        '<text x="8" y="14" fill="#444">gold, SFT SDs</text>',
    ]
    for number, (name, seeds) in enumerate(roots.items()):
        parts += _drawn(name, [[at(point) for point in sorted(seed)] for seed in seeds], number)
    return "\n".join([*parts, "</svg>", ""])


def _drawn(name: str, seeds: Sequence[Sequence[tuple[float, float]]], number: int) -> Iterator[str]:
    colour, place = COLOURS[number % len(COLOURS)], TOP + 18 * number
    for seed in seeds:
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in seed)
        yield f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5" opacity="0.8"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in seed)
    yield f'<rect x="{WIDTH - RIGHT + 16}" y="{place}" width="12" height="12" fill="{colour}"/>'
    yield f'<text x="{WIDTH - RIGHT + 34}" y="{place + 11}" fill="#222">{escape(name)}</text>'


def _tick_x(place: tuple[float, float], value: float) -> str:
    x, y = place
    return f'<text x="{x:.1f}" y="{y + 18:.1f}" fill="#666" text-anchor="middle">{value:.2g}</text>'


def _tick_y(place: tuple[float, float], value: float) -> str:
    x, y = place
    return f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" fill="#666" text-anchor="end">{value:.2f}</text>'
