import { describe, expect, it } from "vitest";

import { type Judgment, type Move, newJudgment, reduce, restored, saidIn } from "./judgment";

const ids = [11, 12, 13];

function after(...moves: Move[]): Judgment {
  return moves.reduce(reduce, newJudgment(ids, true));
}

describe("a judgment", () => {
  it("is an act, not a default", () => {
    expect(newJudgment(ids, true).touched).toBe(false);
    expect(saidIn(newJudgment(ids, true)).tiers).toEqual([]);
    expect(after({ type: "select", id: 11 }).touched).toBe(false);
    expect(after({ type: "letter", id: 11 }).touched).toBe(true);
  });
  it("takes back one move at a time", () => {
    const judgment = after({ type: "letter", id: 12 }, { type: "tie", id: 11 }, { type: "letter", id: 13 });
    expect(saidIn(judgment).tiers).toEqual([[12, 11], [13]]);
    const once = reduce(judgment, { type: "back" });
    expect(saidIn(once).tiers).toEqual([[12, 11]]);
    expect(saidIn(reduce(once, { type: "back" })).tiers).toEqual([[12]]);
  });
  it("counts moves, and only those that moved something", () => {
    const judgment = after({ type: "letter", id: 12 }, { type: "letter", id: 12 }, { type: "put", id: 12, place: 3 });
    expect(judgment.moves).toBe(2);
    expect(judgment.selected).toBe(12);
  });
  it("frees a card whose own place is chosen again", () => {
    expect(saidIn(after({ type: "put", id: 11, place: 2 }, { type: "put", id: 11, place: 2 })).tiers).toEqual([]);
  });
  it("orders instead of tying where ties are not allowed", () => {
    const strict = [12, 11].map((id): Move => ({ type: "tie", id })).reduce(reduce, newJudgment(ids, false));
    expect(saidIn(strict).tiers).toEqual([[12], [11]]);
  });
  it("toggles ratings and flags, and sends only what is said", () => {
    const judgment = after(
      { type: "rate", id: 11, value: 6 },
      { type: "rate", id: 12, value: 2 },
      { type: "rate", id: 12, value: 2 },
      { type: "flag", id: 13, flag: "hallucination" },
      { type: "flag", id: 11, flag: "violent_content" },
      { type: "flag", id: 11, flag: "violent_content" },
      { type: "rationale", text: "  clearer " },
    );
    expect(saidIn(judgment)).toEqual({
      tiers: [],
      ratings: { 11: 6 },
      flags: { 13: ["hallucination"] },
      rationale: "clearer",
      strength: null,
      aspects: {},
      prompt_flags: [],
      none_acceptable: false,
    });
  });
  it("comes back as it was stored, untouched until the person acts", () => {
    const said = saidIn(after({ type: "allEqual" }));
    const again = restored(newJudgment(ids, true), said);
    expect(saidIn(again)).toEqual(said);
    expect(again.touched).toBe(false);
  });
  it("comes back with its empty places where they fit", () => {
    const said = { tiers: [[11], [12]] };
    expect(restored(newJudgment(ids, true), said, [[11], [], [12]]).ranking.places).toEqual([[11], [], [12]]);
    expect(restored(newJudgment(ids, true), said, [[99]]).ranking.places).toEqual([[11], [12], []]);
  });
});
