import { describe, expect, it } from "vitest";

import type { DriftStep } from "@/api/types";

import { dotsOf, figureOf, heightOf, wordsOf } from "./figures";

function step(measured: Partial<NonNullable<DriftStep["measured"]>> | null, wins: number | null = null): DriftStep {
  const against = wins === null ? null : { value: wins, low: wins - 0.1, high: wins + 0.1 };
  return {
    measured: measured === null ? null : { comparable: true, kl: null, reward: null, tokens: null, ...measured },
    against_before: against,
  } as DriftStep;
}

describe("a figure of a version", () => {
  it("has the distance's interval from its standard error, and never below none", () => {
    const kl = { value: 1, standard_error: 1, per_token: 0.1 };
    expect(figureOf(step({ kl }), "kl")).toEqual({ value: 1, low: 0, high: 2.96 });
  });

  it("is left out where other prompts were answered, but for who wins", () => {
    const elsewhere = step({ comparable: false, stopped: 0.5, distinct_2: 0.4 }, 0.7);
    expect(figureOf(elsewhere, "stopped")).toBeNull();
    expect(figureOf(elsewhere, "wins")?.value).toBe(0.7);
    expect(figureOf(step(null), "tokens")).toBeNull();
  });

  it("is no reward over itself where the way starts", () => {
    const start = { value: 0, standard_error: 0, per_token: 0 };
    expect(figureOf(step({ kl: start }), "reward")?.value).toBe(0);
    expect(figureOf(step({ kl: { ...start, value: 2 } }), "reward")).toBeNull();
  });

  it("is told as a share, a length or a plain figure", () => {
    expect(wordsOf("stopped", 0.9)).toBe("90.0 %");
    expect(wordsOf("tokens", 17.449)).toBe("17.4");
    expect(wordsOf("kl", -0.001)).toBe("0");
    expect(wordsOf("reward", null)).toBe("–");
  });
});

describe("a picture", () => {
  it("leaves a gap where a version has no figure, and keeps its place", () => {
    const found = [step({ tokens: { value: 10 } }), step(null), step({ tokens: { value: 20 } })];
    const estimates = found.map((one) => figureOf(one, "tokens"));
    const dots = dotsOf(estimates, heightOf(estimates, "tokens"));
    expect(dots.map(({ x, y }) => [x, y])).toEqual([
      [0, 100],
      [100, 0],
    ]);
  });

  it("shows no difference in any case where wins are told", () => {
    expect(heightOf([{ value: 0.8, low: 0.7, high: 0.9 }], "wins")).toEqual([0.5, 0.9]);
  });

  it("holds one version alone", () => {
    expect(dotsOf([{ value: 1, low: null, high: null }], [0, 1])).toEqual([{ x: 0, y: 0, top: 0, bottom: 0 }]);
  });
});
