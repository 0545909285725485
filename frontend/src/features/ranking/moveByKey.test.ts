import { describe, expect, it } from "vitest";

import type { Assignment } from "@/api/types";

import type { Bench } from "./bench";
import { flagAct, flagKey } from "./flagKeys";
import { type Judgment, type Move, newJudgment, reduce, saidIn } from "./judgment";
import { actOf } from "./keys";
import { missing } from "./missing";
import { moveByKey } from "./moveByKey";

const NOTHING_HELD = { key: "", shiftKey: false, altKey: false, ctrlKey: false, metaKey: false };
const FORM: Assignment["form"] = {
  ties_allowed: true,
  ask_rating: true,
  ask_flags: false,
  flags: [],
  rationale: "off",
  ask_strength: "off",
  aspects: ["helpful", "honest"],
  prompt_flags: [],
  ask_none_acceptable: false,
};

/** A task of so many answers (1, 2, …), and the judgment after some keys: "C", "⇧B", "⌥5", "2", "→". */
function typed(count: number, form: Partial<Assignment["form"]>, ...keys: string[]): [Assignment, Judgment] {
  const completions = Array.from({ length: count }, (_, at) => ({ id: at + 1, letter: "ABCD".charAt(at), text: "" }));
  const assignment = { completions, form: { ...FORM, ...form } } as Assignment;
  const ids = completions.map((card) => card.id);
  let judgment = newJudgment(ids, true);
  for (const key of keys) {
    const last = key.at(-1) ?? "";
    const code = last === "→" ? "ArrowRight" : /\d/.test(last) ? `Digit${last}` : `Key${last}`;
    const act = actOf({ ...NOTHING_HELD, code, shiftKey: key.startsWith("⇧"), altKey: key.startsWith("⌥") });
    const bench = {
      assignment,
      judgment,
      act: (move: Move) => (judgment = reduce(judgment, move)),
    } as unknown as Bench;
    if (act !== null) moveByKey(bench, act);
  }
  return [assignment, judgment];
}

describe("keys", () => {
  it("prefer one of two, say how much, and tie", () => {
    const asked = { ask_strength: "optional" } as const;
    expect(saidIn(typed(2, asked, "B")[1])).toMatchObject({ tiers: [[2], [1]], strength: null });
    expect(saidIn(typed(2, asked, "B", "2")[1])).toMatchObject({ tiers: [[2], [1]], strength: 2 });
    expect(saidIn(typed(2, asked, "B", "2", "⇧A")[1])).toMatchObject({ tiers: [[2, 1].sort()], strength: null });
    expect(saidIn(typed(2, { ask_strength: "off" }, "A", "3")[1]).strength).toBeNull();
  });
  it("rate overall first, then each aspect that is open", () => {
    const [, judgment] = typed(3, {}, "B", "⌥6", "⌥5", "⌥4", "⌥7");
    expect(saidIn(judgment)).toMatchObject({ ratings: { 2: 7 }, aspects: { 2: { helpful: 5, honest: 4 } } });
  });
  it("walk over the answers without placing them", () => {
    const [, judgment] = typed(3, {}, "→", "→", "⌥3");
    expect(saidIn(judgment)).toMatchObject({ tiers: [], ratings: { 2: 3 } });
  });
});

describe("what is missing", () => {
  it("is a preference, then its strength where that is required", () => {
    const asked = { ask_strength: "required" } as const;
    expect(missing(...typed(2, asked))?.at).toContain("data-part=scale");
    expect(missing(...typed(2, asked, "A"))?.text).toContain("how much");
    expect(missing(...typed(2, asked, "A", "1"))).toBeNull();
    expect(missing(...typed(2, asked, "⇧A"))).toBeNull();
  });
  it("is the place of each answer, then the reason", () => {
    expect(missing(...typed(3, {}, "B"))).toMatchObject({ text: "Place A and C first." });
    expect(missing(...typed(3, { rationale: "required" }, "A", "B", "C"))?.at).toContain("textarea");
  });
});

describe("the last answer without a place", () => {
  it("goes last, also where a place was left empty", () => {
    const [, judgment] = typed(4, {}, "A", "4", "B", "C");
    expect(saidIn(reduce(judgment, { type: "finish" })).tiers).toEqual([[2], [3], [1], [4]]);
  });
  it("is not guessed where two are left", () => {
    const [, judgment] = typed(4, {}, "A", "B");
    expect(reduce(judgment, { type: "finish" }).ranking).toBe(judgment.ranking);
  });
});

describe("keys of flags", () => {
  it("are digits, then letters without the one that closes", () => {
    expect([0, 9, 10, 20, 21].map((at) => flagKey(at, "KeyL"))).toEqual(["1", "0", "A", "K", "M"]);
    expect(flagKey(60, "KeyL")).toBeNull();
    expect(flagAct({ ...NOTHING_HELD, code: "KeyA" }, "KeyL")).toEqual({ type: "toggle", index: 10 });
    expect(flagAct({ ...NOTHING_HELD, code: "Numpad3" }, "KeyL")).toEqual({ type: "toggle", index: 2 });
    expect(flagAct({ ...NOTHING_HELD, code: "KeyL" }, "KeyL")).toEqual({ type: "close" });
    expect(flagAct({ ...NOTHING_HELD, code: "KeyA", ctrlKey: true }, "KeyL")).toBeNull();
  });
});
