import { describe, expect, it } from "vitest";

import { placesOf, scoreOf, whiskersOf } from "./OverOptimisation";
import { axisOf, barsOf, countsOf, curveOf, heightsOf, placeOf, spanOf } from "./geometry";

const bin = (from: number, pairs: number) => ({
  from,
  to: from + 0.1,
  pairs,
  predicted: from + 0.05,
  observed: 0.8,
  low: 0.6,
  high: 0.9,
});

describe("an axis", () => {
  it("holds every interval and ends at round figures", () => {
    const estimates = [
      { value: 0.552, low: 0.461, high: 0.635 },
      { value: 0.841, low: 0.723, high: 0.93 },
    ];
    expect(axisOf(estimates, [0.5])).toEqual([0.4, 1]);
    expect(axisOf([{ value: -0.182, low: -4.871, high: 2.099 }])).toEqual([-6, 4]);
    expect(axisOf([], [-1, 1])).toEqual([-1, 1]);
  });

  it("has a width also where there is one figure, or none", () => {
    expect(axisOf([])).toEqual([0, 1]);
    const [low, high] = axisOf([{ value: 0 }]);
    expect(high).toBeGreaterThan(low);
    const [start, end] = axisOf([{ value: 3, low: null, high: null }]);
    expect(start).toBeLessThanOrEqual(3);
    expect(end).toBeGreaterThan(3);
  });
});

describe("on an axis", () => {
  it("a value has its share of the width, and never lies outside", () => {
    expect([0.4, 0.7, 1, 0, 5].map((value) => placeOf(value, [0.4, 1]))).toEqual([0, 50, 100, 0, 100].map(nearly));
  });

  it("an interval starts and ends where its bounds are", () => {
    expect(spanOf(0.25, 0.75, [0, 1])).toEqual({ start: 25, width: 50 });
    expect(spanOf(-3, 0.5, [0, 1])).toEqual({ start: 0, width: 50 });
    expect(spanOf(null, 0.75, [0, 1])).toBeNull();
    expect(spanOf(0.5, undefined, [0, 1])).toBeNull();
  });
});

describe("a calibration curve", () => {
  it("rises upwards in a picture that counts downwards", () => {
    const [point] = curveOf([bin(0.3, 7)]);
    expect(point).toEqual({ x: nearly(35), y: nearly(20), top: nearly(10), bottom: nearly(40) });
  });

  it("counts the pairs of every bin, also of those it has no point for", () => {
    expect(countsOf([bin(0.3, 7), bin(0.9, 2)])).toEqual([0, 0, 0, 7, 0, 0, 0, 0, 0, 2]);
  });
});

describe("a curve over distance", () => {
  it("rises upwards and leaves out whom a role has not seen", () => {
    const point = (model: string, kl: number, mean: number | null) => ({
      model,
      kl,
      sqrt_kl: Math.sqrt(kl),
      judge: mean === null ? null : { mean, spread: null },
      proxy: null,
      recommended: false,
    });
    const curve = [point("reference", 0, 0), point("policy", 4, 1), point("rival", 9, null)];
    expect(placesOf(curve, "judge", [0, 4], [0, 2])).toEqual([
      { x: 0, y: 100 },
      { x: 50, y: 50 },
    ]);
    expect(placesOf(curve, "proxy", [0, 4], [0, 2])).toEqual([]);
    expect(whiskersOf(curve, "judge", [0, 4], [0, 2])).toEqual([]);
  });

  it("shows how far an ensemble disagrees around its score", () => {
    const seen = { mean: 1, spread: 0.5 };
    const point = { model: "policy", kl: 4, sqrt_kl: 2, judge: null, proxy: seen, recommended: false };
    expect(whiskersOf([point], "proxy", [0, 4], [0, 2])).toEqual([{ x: 50, top: 25, bottom: 75 }]);
    expect(whiskersOf([point], "judge", [0, 4], [0, 2])).toEqual([]);
    expect(scoreOf(seen)).toBe("1 ± 0.5");
    expect(scoreOf({ mean: 1, spread: null })).toBe("1");
  });
});

describe("bars", () => {
  it("are as high as their share of the highest; what is there can be seen", () => {
    expect(heightsOf([0, 1, 500, 250])).toEqual([0, 2, 100, 50]);
    expect(heightsOf([0, 0])).toEqual([0, 0]);
  });

  it("know their bounds", () => {
    expect(barsOf({ edges: [-1, 0, 1], counts: [2, 4] })).toEqual([
      { from: -1, to: 0, count: 2, height: 50 },
      { from: 0, to: 1, count: 4, height: 100 },
    ]);
  });
});

/** A number as good as this one, whatever the last bits say. */
function nearly(value: number): unknown {
  return expect.closeTo(value, 6);
}
