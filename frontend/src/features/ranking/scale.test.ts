import { describe, expect, it } from "vitest";

import { type Judgment, type Move, newJudgment, reduce, saidIn } from "./judgment";
import { pointOf, pointsOf } from "./scale";

const [A, B] = [11, 12];
const pair = newJudgment([A, B], true);

function after(...moves: Move[]): Judgment {
  return moves.reduce(reduce, pair);
}

describe("two answers", () => {
  it("are compared by one letter", () => {
    expect(saidIn(after({ type: "letter", id: B }))).toMatchObject({ tiers: [[B], [A]], strength: null });
  });
  it("get a strength by a digit, and keep it until the preference changes", () => {
    const slightly = after({ type: "letter", id: B }, { type: "strength", value: 2 });
    expect(saidIn(slightly)).toMatchObject({ tiers: [[B], [A]], strength: 2 });
    expect(saidIn(reduce(slightly, { type: "letter", id: B })).strength).toBe(2);
    expect(saidIn(reduce(slightly, { type: "letter", id: A }))).toMatchObject({ tiers: [[A], [B]], strength: null });
  });
  it("tie with Shift, and a tie has no strength", () => {
    const tied = after({ type: "letter", id: A }, { type: "strength", value: 4 }, { type: "tie", id: B });
    expect(saidIn(tied)).toMatchObject({ tiers: [[A, B]], strength: null });
    expect(saidIn(reduce(tied, { type: "strength", value: 3 })).strength).toBeNull();
  });
  it("stay in order where ties are not allowed", () => {
    const strict = newJudgment([A, B], false);
    expect(saidIn(reduce(strict, { type: "tie", id: B })).tiers).toEqual([[B], [A]]);
  });
  it("are taken back one act at a time, strength and all", () => {
    const judgment = after({ type: "letter", id: A }, { type: "strength", value: 3 }, { type: "tie", id: A });
    const once = reduce(judgment, { type: "back" });
    expect(saidIn(once)).toMatchObject({ tiers: [[A], [B]], strength: 3 });
    expect(saidIn(reduce(once, { type: "back" }))).toMatchObject({ tiers: [[A], [B]], strength: null });
  });
});

describe("the scale", () => {
  it("has four strengths on each side of a tie, and a plain preference at each end", () => {
    const points = pointsOf([A, B], { strength: true, ties: true });
    expect(points.map((point) => `${point.id ?? "="}${point.strength ?? ""}`)).toEqual([
      "11",
      "114",
      "113",
      "112",
      "111",
      "=",
      "121",
      "122",
      "123",
      "124",
      "12",
    ]);
    expect(pointsOf([A, B], { strength: false, ties: false })).toHaveLength(2);
  });
  it("knows where a judgment stands", () => {
    expect(pointOf(pair)).toBeNull();
    for (const point of pointsOf([A, B], { strength: true, ties: true }))
      expect(pointOf(after({ type: "scale", ...point }))).toEqual(point);
  });
});
