"""Does learning from simulated people make texts better by a score that nobody learnt from? Arms at the same prompts.

Gold is a published sentiment score with the length of texts taken out (`benchmarks/gold_taste.py`). Simulated people
rank four completions of each train prompt by it, with 20 % ties, and two of them agree on 75 % of what both decide. A
reward model learns from them; best-of-n, DPO, RLOO and PPO with values of both kinds start from the same model. All
write four completions of the same held-out prompts, about things that no training has seen.

Resumable: every stage leaves a file in `--work`, training runs go on from their checkpoints, and what is there is not
done again. With `--docs` the table and the chart go into `docs/gold.md` and `docs/images/gold.svg`.

    python -m benchmarks.gold --model MODEL --work build/gold [--seeds 5] [--settings FILE] [--docs docs]
"""

import argparse
import json
import os
import platform
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks import gold_play, gold_report
from benchmarks.gold_plan import (
    ARMS,
    DEFAULTS,
    FITTED_ON,
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


def start_texts(run: Experiment) -> list[str]:
    """Texts of the model that everything starts from, on train prompts: what gold is fitted on."""
    path = run.work / "start.jsonl"
    if not path.is_file():
        prompts = run.prompts("train")
        each = max(2, -(-FITTED_ON // len(prompts)))
        role, _ = gold_play.of_folder(run.base, None)
        gold_play.save(path, gold_play.lines_of(role, None, prompts, run.reading(samples_per_prompt=each), seed=99))
    return [line.text for line in gold_play.read(path)]


def taste_of(run: Experiment) -> tuple[Gold, People]:
    """Gold and the people, fitted once."""
    path = run.work / "taste.json"
    if path.is_file():
        content = json.loads(path.read_text())
        return Gold(**content["gold"]), People(**content["people"])
    texts = start_texts(run)
    raw = run.raw(texts)
    gold = Gold.fitted(texts, raw)
    scores = gold.of(texts, raw)
    each = len(texts) // len(run.prompts("train"))
    people = People.fitted(
        [scores[place] - scores[place + 1] for place in range(len(scores) - 1) if (place + 1) % each]
    )
    path.write_text(json.dumps({"gold": asdict(gold), "people": people.plain()}))
    return gold, people


def rankings(run: Experiment, seed: int, gold: Gold, people: People) -> Path:
    """What simulated people say of four completions of each train prompt."""
    path = run.folder(seed) / "rankings.jsonl"
    if path.is_file():
        return path
    prompts, tasks = run.prompts("train"), run.settings["people"]["tasks_per_prompt"]
    role, _ = gold_play.of_folder(run.base, None)
    lines = gold_play.lines_of(role, None, prompts, run.reading(samples_per_prompt=4 * tasks), seed=1000 + seed)
    scores = gold.of([line.text for line in lines], run.raw([line.text for line in lines]))
    draw = random.Random(seed)  # noqa: S311 -- a simulation
    rows = []
    for start in range(0, len(lines), 4):
        ranks = people.ranks(scores[start : start + 4], draw)
        prompt = prompts[lines[start].prompt]
        rows.append(
            {
                "prompt_id": f"{lines[start].prompt}-{start}",
                "group": prompt,
                "prompt": prompt,
                "completions": [{"text": line.text} for line in lines[start : start + 4]],
                "annotations": [{"annotator": "simulated", "ranks": ranks}],
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


def one_seed(run: Experiment, seed: int, gold: Gold, people: People) -> dict[str, Any]:
    """Everything of one seed: rankings, reward model, all arms, their completions and the points of their ways."""
    said = rankings(run, seed, gold, people)
    reward = trained(run, seed, REWARD, {"base": run.base}, said)
    first = evaluated(run, seed, START, lambda: gold_play.of_folder(run.base, None), config=run.reading())
    found: dict[str, Any] = {"written": {START: judged(run, gold, first)}, "ways": {}}
    found["best"] = best_of_n(run, seed, gold, reward)
    for arm in ARMS:
        models = {"policy": run.base} | ({} if arm.kind == "dpo" else {"reward": reward})
        artifact = trained(run, seed, arm, models, said if arm.kind == "dpo" else prompt_file(run))

        def load(at: Path = artifact) -> Any:
            return gold_play.of_folder(at, run.base)

        last = evaluated(run, seed, arm.name, load, config=run.reading())
        found["written"][arm.name] = judged(run, gold, last)
        ends = [(0.0, mean(found["written"][START])), (distance(last), mean(found["written"][arm.name]))]
        found["ways"][arm.name] = [ends[0], *way(run, seed, arm, gold), ends[1]]
        tell_of(seed, arm.name, found)
    return found


def way(run: Experiment, seed: int, arm: Arm, gold: Gold) -> list[tuple[float, float]]:
    """KL and gold of an arm at its checkpoints, by one completion of each held-out prompt."""
    points = []
    for folder in sorted((run.folder(seed) / arm.file / "points").glob("step-*"), key=step_of):

        def load(at: Path = folder) -> Any:
            return gold_play.of_checkpoint(at, run.base, arm.kind, run.settings_of(arm), seed=seed)

        lines = evaluated(run, seed, f"{arm.name} {folder.name}", load, config=run.reading(samples_per_prompt=1))
        points.append((distance(lines), mean(judged(run, gold, lines))))
    return points


def best_of_n(run: Experiment, seed: int, gold: Gold, reward: Path) -> list[dict[str, float]]:
    """The best of n by the same reward model, for every n that is a power of two: gold, gold win, and KL at most."""
    path = run.folder(seed) / "best_of_n.jsonl"
    if not path.is_file():
        role, _ = gold_play.of_folder(run.base, None)
        config = run.reading(samples_per_prompt=run.settings["choice"]["n"])
        lines = gold_play.lines_of(role, None, run.prompts("test"), config, seed=500 + seed)
        gold_play.save(path, gold_play.scored(reward, run.prompts("test"), lines))
    lines = gold_play.read(path)
    written = judged(run, gold, lines)
    by_score = grouped(lines, [float(line.score or 0.0) for line in lines])
    rows = []
    count = 1
    while count <= run.settings["choice"]["n"]:
        weights = [gold_report.best_of_n_weights(scores, count) for scores in by_score]
        rows.append({"n": count, "kl": gold_report.best_of_n_kl(count)} | gold_report.chosen(written, weights))
        count *= 2
    return rows


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


def report(run: Experiment, found: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The page and the chart."""
    start = [one["written"][START] for one in found]
    rows = {arm.name: gold_report.row([one["written"][arm.name] for one in found], start) for arm in ARMS}
    ways = {arm.name: [one["ways"][arm.name] for one in found] for arm in ARMS if arm.kind in WITH_A_WAY}
    best = {"best of n": [[(point["kl"], point["gold"]) for point in one["best"]] for one in found]}
    page = gold_report.page(rows, ways | best, [one["best"] for one in found], against=PPO)
    about = (
        f"{len(found)} seeds, {len(run.prompts('test'))} held-out prompts, {machine()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    return f"{page}\n{about}; settings: `{json.dumps(run.settings, sort_keys=True)}`\n", gold_report.chart(ways | best)


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
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not there yet, then report."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--model", type=Path, required=True, metavar="DIR")
    words.add_argument("--work", type=Path, default=Path("build/gold"), metavar="DIR")
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--things", type=int, default=len(THINGS), help="fewer things make fewer prompts")
    words.add_argument("--forms", type=int, default=len(FORMS), help="fewer forms make fewer prompts")
    words.add_argument("--settings", type=Path, metavar="FILE", help="JSON: settings by recipe")
    words.add_argument("--docs", type=Path, metavar="DIR", help="where gold.md and images/gold.svg go")
    run = experiment(words.parse_args(arguments))
    carry_out(run, words.parse_args(arguments).docs)


def carry_out(run: Experiment, docs: Path | None) -> None:
    """All seeds, then the page and the chart into the work folder and, if asked for, the docs."""
    gold, people = taste_of(run)
    found = [one_seed(run, seed, gold, people) for seed in range(run.seeds)]
    page, chart = report(run, found)
    for folder, images in [(run.work, run.work)] + ([(docs, docs / "images")] if docs else []):
        write_whole(folder / "gold.md", page)
        write_whole(images / "gold.svg", chart)


if __name__ == "__main__":
    main()
