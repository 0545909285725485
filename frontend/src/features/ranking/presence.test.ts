import { describe, expect, it } from "vitest";

import { isSeen, NOTHING_COUNTED, noted, type Presence, type Sign, startPresence } from "./presence";

const A = 1;
const B = 2;

function after(...signs: [number, Sign][]): Presence {
  const start = startPresence(NOTHING_COUNTED, 0, true);
  return signs.reduce((presence, [at, sign]) => noted(presence, sign, at), start);
}

describe("time at work", () => {
  it("counts the page in front, and stops half a minute after the last sign of life", () => {
    expect(after([10_000, { type: "tick" }]).activeMs).toBe(10_000);
    expect(after([90_000, { type: "tick" }]).activeMs).toBe(30_000);
    expect(after([90_000, { type: "life" }], [95_000, { type: "tick" }]).activeMs).toBe(35_000);
  });
  it("does not count a page behind another, or a laptop asleep", () => {
    const away = after([4_000, { type: "page", isShown: false }], [20_000, { type: "page", isShown: true }]);
    expect(noted(away, { type: "tick" }, 21_000).activeMs).toBe(5_000);
    expect(after([8_000_000, { type: "life" }]).activeMs).toBe(30_000);
  });
  it("goes on from an earlier visit", () => {
    const start = startPresence({ activeMs: 7_000, visibleMs: { [A]: 5_000 }, firstActMs: 900 }, 0, true);
    const later = noted(noted(start, { type: "act" }, 1_000), { type: "tick" }, 2_000);
    expect(later).toMatchObject({ activeMs: 9_000, visibleMs: { [A]: 5_000 }, firstActMs: 900 });
  });
  it("knows how long the first act took, without the time away", () => {
    const log = after([100_000, { type: "life" }], [103_000, { type: "act" }], [105_000, { type: "act" }]);
    expect(log.firstActMs).toBe(33_000);
  });
});

describe("answers in sight", () => {
  it("are counted one by one, also together", () => {
    const log = after(
      [1_000, { type: "card", id: A, isSeen: true }],
      [3_000, { type: "card", id: B, isSeen: true }],
      [4_000, { type: "card", id: A, isSeen: false }],
      [9_000, { type: "tick" }],
    );
    expect(log.visibleMs).toEqual({ [A]: 3_000, [B]: 6_000 });
  });
  it("stop with the person", () => {
    const log = after([0, { type: "card", id: A, isSeen: true }], [300_000, { type: "tick" }]);
    expect(log.visibleMs).toEqual({ [A]: 30_000 });
  });
  it("are those half shown, or taller than half of the window", () => {
    const rootBounds = { height: 800 };
    expect(isSeen({ intersectionRatio: 0.5, intersectionRect: { height: 100 }, rootBounds })).toBe(true);
    expect(isSeen({ intersectionRatio: 0.1, intersectionRect: { height: 410 }, rootBounds })).toBe(true);
    expect(isSeen({ intersectionRatio: 0.4, intersectionRect: { height: 100 }, rootBounds })).toBe(false);
  });
});
