"""Does learning from simulated people make texts better by a score that nobody learnt from? Arms at the same prompts.

Gold is a published sentiment score with the length of texts taken out (`benchmarks/gold_taste.py`). Simulated people
rank four completions of a train prompt by it, with 20 % ties, and two of them agree on 75 % of what both decide;
three see each four. A reward model learns from them; best-of-n, DPO, RLOO and PPO with values of both kinds start from
the same model. All write completions of the same held-out prompts, about things that no training has seen. The choice
from many is dear, so it is made at some of those prompts.

Resumable: every stage leaves a file in `--work`, training runs go on from their checkpoints, and what is there is not
done again. After each arm the table and the chart of what there is go into `--work`, and with `--docs` into
`docs/gold.md` and `docs/images/gold.svg` too.

    python -m benchmarks.gold --model MODEL --work build/gold [--seeds 5] [--settings FILE] [--docs docs]
"""

import argparse
import json
import os
import platform
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks import gold_play, gold_report
from benchmarks.gold_plan import (
    ARMS,
    DEFAULTS,
    FORMS,
    PPO,
    REWARD,
    START,
    THINGS,
    WITH_A_WAY,
    Arm,
    Experiment,
)
from benchmarks.gold_play import Lines
from benchmarks.gold_report import Written
from benchmarks.gold_taste import Gold, People, vader
from workers.rlhf import by_hand
from workers.rlhf.artifacts import MANIFEST, seal
from workers.rlhf.by_hand import Asked
from workers.rlhf.checkpoints import step_of
from workers.rlhf.configs import ImportModelConfig
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.import_model import convert
from workers.rlhf.reward_report import HELD_OUT
from workers.rlhf.reward_run import REPORT

# Completions in one ranking.
RANKED = 4
# Of one seed: completions and ways by arm, and the best of n.
Found = dict[str, Any]


def asked_about(run: Experiment, seed: int) -> Lines:
    """What the model that everything starts from answers to the train prompts: what people rank."""
    path = run.folder(seed) / "asked.jsonl"
    if not path.is_file():
        role, _ = gold_play.of_folder(run.base, None)
        config = run.reading(samples_per_prompt=RANKED * run.settings["people"]["tasks_per_prompt"])
        gold_play.save(path, gold_play.lines_of(role, None, run.prompts("train"), config, seed=1000 + seed))
    return gold_play.read(path)


def taste_of(run: Experiment) -> tuple[Gold, People]:
    """Gold and the people, fitted once: on what the first seed's people will rank."""
    path = run.work / "taste.json"
    if path.is_file():
        content = json.loads(path.read_text())
        return Gold(**content["gold"]), People(**content["people"])
    texts = [line.text for line in asked_about(run, 0)]
    raw = run.raw(texts)
    gold = Gold.fitted(texts, raw)
    scores = gold.of(texts, raw)
    people = People.fitted(
        [scores[place] - scores[place + 1] for place in range(len(scores) - 1) if (place + 1) % RANKED]
    )
    path.write_text(json.dumps({"gold": asdict(gold), "people": people.plain()}))
    return gold, people


def rankings(run: Experiment, seed: int, gold: Gold, people: People) -> Path:
    """What simulated people say of four completions of each train prompt, several of each four."""
    path = run.folder(seed) / "rankings.jsonl"
    if path.is_file():
        return path
    prompts, lines = run.prompts("train"), asked_about(run, seed)
    scores = gold.of([line.text for line in lines], run.raw([line.text for line in lines]))
    draw = random.Random(seed)  # noqa: S311 -- a simulation
    rows = []
    for start in range(0, len(lines), RANKED):
        prompt = prompts[lines[start].prompt]
        said = [people.ranks(scores[start : start + RANKED], draw) for _ in range(run.settings["people"]["judgments"])]
        rows.append(
            {
                "prompt_id": f"{lines[start].prompt}-{start}",
                "group": prompt,
                "prompt": prompt,
                "completions": [{"text": line.text} for line in lines[start : start + RANKED]],
                "annotations": [{"annotator": f"person {who}", "ranks": ranks} for who, ranks in enumerate(said)],
            }
        )
    write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def trained(run: Experiment, seed: int, arm: Arm, models: dict[str, Path], data: Path) -> Path:
    """A training run's artifact; every checkpoint of a policy is put aside as a point of its way."""
    out = run.folder(seed) / arm.file
    asked = Asked(
        kind=arm.kind,
        settings=run.settings_of(arm),
        files={"data": data},
        models=models,
        out=out,
        seed=seed,
        threads=torch.get_num_threads(),
    )

    def tell(event: dict[str, Any]) -> None:
        if event["type"] == "checkpoint" and arm.kind in WITH_A_WAY:
            target = out / "points" / Path(event["path"]).name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(out / event["path"], target)

    by_hand.train(asked, tell)
    return asked.result


def prompt_file(run: Experiment) -> Path:
    """The train prompts as a file."""
    path = run.work / "prompts.jsonl"
    rows = [
        {"prompt_id": place, "split": "train", "messages": [{"role": "user", "content": text}]}
        for place, text in enumerate(run.prompts("train"))
    ]
    write_whole(path, "".join(json.dumps(row) + "\n" for row in rows))
    return path


def evaluated(run: Experiment, seed: int, name: str, load: Any, *, config: EvaluateConfig) -> Lines:
    """Completions of the held-out prompts by a model, written once. `load` gives it and its reference."""
    path = run.folder(seed) / f"{name.replace(' ', '_').replace(',', '')}.jsonl"
    if not path.is_file():
        role, reference = load()
        gold_play.save(
            path, gold_play.lines_of(role, reference, run.prompts("test"), config, seed=7 * seed + len(name))
        )
    return gold_play.read(path)


def one_seed(run: Experiment, seed: int, gold: Gold, people: People) -> Iterator[Found]:
    """Everything of one seed, told after each part: completions of every arm and the points of their ways."""
    said = rankings(run, seed, gold, people)
    reward = trained(run, seed, REWARD, {"base": run.base}, said)
    few = scored_part(run, seed, reward, START, run.reading().samples_per_prompt)
    first = judged(run, gold, few)
    choice = best_of_n(seed, first, few, reward)
    found: Found = {"written": {START: first}, "ways": {}, "best": choice, "reward": held_out_pairs(reward)}
    yield found
    for arm in ARMS:
        models = {"policy": run.base} | ({} if arm.kind == "dpo" else {"reward": reward})
        artifact = trained(run, seed, arm, models, said if arm.kind == "dpo" else prompt_file(run))

        def load(at: Path = artifact) -> Any:
            return gold_play.of_folder(at, run.base)

        last = evaluated(run, seed, arm.name, load, config=run.reading())
        found["written"][arm.name] = judged(run, gold, last)
        tell_of(seed, arm.name, found)
        found["ways"][arm.name] = [(0.0, mean(first)), (distance(last), mean(found["written"][arm.name]))]
        yield found
    # The choice from many and the ways are dear, and what they are measured against is there now.
    found["best"] = choice_from_many(run, seed, gold, reward)
    yield found
    for arm in ARMS:
        found["ways"][arm.name] += way(run, seed, arm, gold)
        yield found


def held_out_pairs(reward: Path) -> dict[str, float]:
    """How often a reward model is right where people of held-out rankings decided, on how many pairs, and its steps."""
    report = json.loads((reward / REPORT).read_text())
    splits = [entry for name, entry in report["by_split"].items() if name in HELD_OUT and entry["accuracy"] is not None]
    pairs = sum(entry["pairs"] for entry in splits)
    right = sum(entry["accuracy"] * entry["pairs"] for entry in splits)
    return {"steps": report["steps"], "pairs": pairs, "accuracy": right / max(1, pairs)}


def way(run: Experiment, seed: int, arm: Arm, gold: Gold) -> list[tuple[float, float]]:
    """KL and gold of an arm at its checkpoints, by one completion of each held-out prompt."""
    points = []
    for folder in sorted((run.folder(seed) / arm.file / "points").glob("step-*"), key=step_of):

        def load(at: Path = folder) -> Any:
            return gold_play.of_checkpoint(at, run.base, arm.kind, run.settings_of(arm), seed=seed)

        lines = evaluated(run, seed, f"{arm.name} {folder.name}", load, config=run.reading(samples_per_prompt=1))
        points.append((distance(lines), mean(judged(run, gold, lines))))
    return points


def choice_from_many(run: Experiment, seed: int, gold: Gold, reward: Path) -> list[dict[str, float]]:
    """The best of n of as many completions, at as many of the held-out prompts, as the settings of the choice say."""
    wanted = run.settings["choice"]
    at_some = replace(run, held_out=min(wanted["prompts"], len(run.prompts("test"))))
    # Its size is in the name, so that another choice is not taken for this one.
    lines = scored_part(at_some, seed, reward, f"{START} {wanted['n']} at {at_some.held_out}", wanted["n"])
    return best_of_n(seed, judged(run, gold, lines), lines, reward)


def best_of_n(seed: int, written: Written, lines: Lines, reward: Path) -> list[dict[str, float]]:
    """The best of n by the reward model, for n = 1, 2, 4, … up to all of a prompt's completions.

    Of each choice: gold, gold win, KL at most, and at how many prompts.
    """
    by_score = grouped(lines, [float(line.score or 0.0) for line in lines])
    most = min(len(scores) for scores in by_score)
    rows = []
    count = 1
    while count <= most:
        weights = [gold_report.best_of_n_weights(scores, count) for scores in by_score]
        row = {"n": count, "kl": gold_report.best_of_n_kl(count), "prompts": len(by_score)}
        rows.append(row | gold_report.chosen(written, weights))
        count *= 2
    as_gold = gold_report.ordered_alike(by_score, written.gold)
    told = {"name": "gold", "arm": "best of n", "seed": seed, "score_orders_as_gold": as_gold, "by_n": rows}
    print(json.dumps(told | {"reward": held_out_pairs(reward)}), flush=True)
    return rows


def scored_part(run: Experiment, seed: int, reward: Path, name: str, count: int) -> Lines:
    """So many completions of every held-out prompt by the model that everything starts from, with scores."""
    config = run.reading(samples_per_prompt=count)
    lines = evaluated(run, seed, name, lambda: gold_play.of_folder(run.base, None), config=config)
    path = run.folder(seed) / f"{name.replace(' ', '_')}_scored.jsonl"
    if not path.is_file():
        gold_play.save(path, gold_play.scored(reward, run.prompts("test"), lines))
    return gold_play.read(path)


def judged(run: Experiment, gold: Gold, lines: Lines) -> Written:
    """Completions with their gold scores, prompt by prompt."""
    texts = [line.text for line in lines]
    known = all(line.kl is not None for line in lines)
    return Written(
        gold=grouped(lines, gold.of(texts, run.raw(texts))),
        length=grouped(lines, [float(len(text)) for text in texts]),
        nats=grouped(lines, [float(line.kl or 0.0) for line in lines]) if known else None,
    )


def grouped(lines: Lines, values: Sequence[float]) -> list[list[float]]:
    """Values by prompt."""
    result: list[list[float]] = [[] for _ in range(1 + max(line.prompt for line in lines))]
    for line, value in zip(lines, values, strict=True):
        result[line.prompt].append(value)
    return result


def distance(lines: Lines) -> float:
    """Mean nats from the reference."""
    return sum(float(line.kl or 0.0) for line in lines) / len(lines)


def mean(written: Written) -> float:
    """Mean gold."""
    values = [value for group in written.gold for value in group]
    return sum(values) / len(values)


def tell_of(seed: int, arm: str, found: Mapping[str, Any]) -> None:
    """One line of JSON an arm and seed."""
    own, start = found["written"][arm], found["written"][START]
    told = gold_report.row([own], [start])
    line = {"name": "gold", "arm": arm, "seed": seed, "win": told["win"].value, "gold": told["gold"].value}
    line |= {"kl": told["kl"].value if told["kl"] else None, "length_matched_win": told["length_matched_win"]}
    print(json.dumps(line | {"prompts": len(own.gold), "machine": machine()}), flush=True)


def machine() -> str:
    """What the figures come from, in words."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, torch threads: {torch.get_num_threads()}"
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there in full or not at all."""
    aside = path.with_name(f".{path.name}")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)


def base_artifact(model: Path, work: Path) -> Path:
    """The model as an artifact; another folder of safetensors is imported once."""
    if (model / MANIFEST).is_file():
        return model.resolve()
    target = work / "base"
    if not (target / MANIFEST).is_file():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for _ in convert({"type": "folder", "path": str(model)}, target, ImportModelConfig()):
            pass
        seal(target)
    return target.resolve()


def report(run: Experiment, found: Sequence[Found]) -> tuple[str, str]:
    """The page and the chart of what there is: of an arm, the seeds that have it."""
    rows, ways, missing = {}, {}, []

    def lacks(what: str, count: int) -> None:
        missing.extend([f"{what} ({count} of {run.seeds} seeds)"] if count < run.seeds else [])

    for arm in ARMS:
        having = [one for one in found if arm.name in one["ways"]]
        lacks(arm.name, len(having))
        if having:
            start = [one["written"][START] for one in having]
            rows[arm.name] = gold_report.row([one["written"][arm.name] for one in having], start)
        if having and arm.kind in WITH_A_WAY:
            ways[arm.name] = [one["ways"][arm.name] for one in having]
            # The start and the end are there before the points between them.
            lacks(f"{arm.name}, its way", sum(len(way) > 2 for way in ways[arm.name]))
    lacks(f"the best of {run.settings['choice']['n']}", sum(has_choice(run, one) for one in found))
    best = {"best of n": [[(point["kl"], point["gold"]) for point in one["best"]] for one in found]}
    page = gold_report.page(rows, ways | best, [one["best"] for one in found], against=PPO, ends=ends(found))
    page += "\n" + "\n".join(gold_report.reward_lines([one["reward"] for one in found])) + "\n"
    if missing:
        page += f"\n**Not all of it has run.** Missing: {', '.join(missing)}.\n"
    about = (
        f"Seeds: {len(found)}. {len(run.prompts('test'))} held-out prompts, {machine()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    return f"{page}\n{about}; settings: `{json.dumps(run.settings, sort_keys=True)}`\n", gold_report.chart(ways | best)


def has_choice(run: Experiment, one: Found) -> bool:
    """Whether the choice from many of a seed has been made, not only that from what everything starts from."""
    return bool(one["best"][-1]["n"] * 2 > run.settings["choice"]["n"])


def ends(found: Sequence[Found]) -> list[tuple[float, float] | None]:
    """Seed by seed, where PPO ended: KL and gold win."""
    return [_end(one["written"].get(PPO), one["written"][START]) for one in found]


def _end(own: Written | None, start: Written) -> tuple[float, float] | None:
    if own is None or own.nats is None:
        return None
    told = gold_report.row([own], [start])
    return told["kl"].value, told["win"].value


def experiment(given: argparse.Namespace) -> Experiment:
    """The experiment as the command line asks for it."""
    given.work.mkdir(parents=True, exist_ok=True)
    own = json.loads(given.settings.read_text()) if given.settings else {}
    settings = {kind: values | own.get(kind, {}) for kind, values in DEFAULTS.items()}
    return Experiment(
        base=base_artifact(given.model, given.work),
        work=given.work,
        seeds=given.seeds,
        settings=settings,
        things=min(given.things, len(THINGS)),
        forms=min(given.forms, len(FORMS)),
        raw=vader(given.work),
        held_out=given.held_out,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not there yet, then report."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--model", type=Path, required=True, metavar="DIR")
    words.add_argument("--work", type=Path, default=Path("build/gold"), metavar="DIR")
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--things", type=int, default=len(THINGS), help="fewer things make fewer prompts")
    words.add_argument("--forms", type=int, default=len(FORMS), help="fewer forms make fewer prompts")
    words.add_argument("--held-out", type=int, metavar="N", help="answer only so many of the held-out prompts")
    words.add_argument("--settings", type=Path, metavar="FILE", help="JSON: settings by recipe")
    words.add_argument("--docs", type=Path, metavar="DIR", help="where gold.md and images/gold.svg go")
    run = experiment(words.parse_args(arguments))
    carry_out(run, words.parse_args(arguments).docs)


def carry_out(run: Experiment, docs: Path | None) -> None:
    """All seeds; after each arm the page and the chart into the work folder and, if asked for, the docs."""
    gold, people = taste_of(run)
    done: list[Found] = []
    for seed in range(run.seeds):
        for found in one_seed(run, seed, gold, people):
            publish(run, [*done, found], docs)
        done.append(found)


def publish(run: Experiment, found: Sequence[Found], docs: Path | None) -> None:
    """Write down what there is."""
    page, chart = report(run, found)
    for folder, images in [(run.work, run.work)] + ([(docs, docs / "images")] if docs else []):
        write_whole(folder / "gold.md", page)
        write_whole(images / "gold.svg", chart)


if __name__ == "__main__":
    main()
