import { describe, expect, it } from "vitest";

import {
  append,
  emptyRanking,
  fromTiers,
  insert,
  isComplete,
  placeOf,
  put,
  type Ranking,
  remove,
  step,
  tie,
  toTiers,
  unplaced,
} from "./ranking";

const [A, B, C, D] = [1, 2, 3, 4];
const ids = [A, B, C, D];

function typed(...letters: number[]): Ranking {
  return letters.reduce((ranking, id) => append(ranking, id), emptyRanking(ids.length));
}

describe("typing best first", () => {
  it("fills the places in order", () => {
    expect(toTiers(typed(C, A, D, B))).toEqual([[C], [A], [D], [B]]);
    expect(isComplete(typed(C, A, D, B), ids)).toBe(true);
  });
  it("ties with the one before", () => {
    expect(toTiers(append(tie(typed(C, A), D), B))).toEqual([[C], [A, D], [B]]);
  });
  it("leaves a placed card where it is", () => {
    expect(append(typed(C, A), C)).toEqual(typed(C, A));
  });
  it("fills a place that was left empty", () => {
    expect(toTiers(append(put(typed(A), B, 3, true), C))).toEqual([[A], [C], [B]]);
  });
});

describe("ties", () => {
  it("take the first place when nothing is placed", () => {
    expect(toTiers(tie(emptyRanking(4), B))).toEqual([[B]]);
  });
  it("join the place above for a placed card", () => {
    expect(toTiers(tie(typed(C, A, D, B), D))).toEqual([[C], [A, D], [B]]);
  });
  it("do nothing at the top", () => {
    expect(toTiers(tie(typed(C, A), C))).toEqual([[C], [A]]);
  });
});

describe("a place chosen by number", () => {
  it("may leave gaps, which are not sent", () => {
    const ranking = put(put(emptyRanking(4), A, 1, true), B, 4, true);
    expect(ranking.places).toEqual([[A], [], [], [B]]);
    expect(toTiers(ranking)).toEqual([[A], [B]]);
  });
  it("ties with who is there", () => {
    expect(toTiers(put(typed(C, A, D, B), B, 2, true))).toEqual([[C], [A, B], [D]]);
  });
  it("moves the others where ties are not allowed", () => {
    expect(toTiers(put(typed(C, A, D, B), B, 2, false))).toEqual([[C], [B], [A], [D]]);
    expect(toTiers(put(typed(C, A, D, B), C, 3, false))).toEqual([[A], [D], [C], [B]]);
  });
  it("outside the places is ignored", () => {
    expect(put(typed(C), A, 5, true)).toEqual(typed(C));
  });
});

describe("inserting between places", () => {
  it("moves the others down", () => {
    expect(toTiers(insert(typed(C, A, D, B), B, 1))).toEqual([[C], [B], [A], [D]]);
  });
  it("moves the others up", () => {
    expect(toTiers(insert(typed(C, A, D, B), C, 4))).toEqual([[A], [D], [B], [C]]);
  });
  it("keeps as many places as cards, whatever is moved where", () => {
    const starts = [typed(A, B, C, D), tie(typed(A, B), C), fromTiers([[A, B, C, D]], ids), typed(D)];
    for (const start of starts)
      for (const id of ids)
        for (const gap of [0, 1, 2, 3, 4]) {
          const moved = insert(start, id, gap);
          expect(moved.places).toHaveLength(4);
          expect(moved.places.flat().sort()).toEqual([...new Set([...start.places.flat(), id])].sort());
        }
  });
});

describe("one step", () => {
  it("passes the neighbour", () => {
    expect(toTiers(step(typed(C, A, D, B), B, -1))).toEqual([[C], [A], [B], [D]]);
    expect(toTiers(step(typed(C, A, D, B), C, 1))).toEqual([[A], [C], [D], [B]]);
  });
  it("leaves a tie before it passes anyone", () => {
    const tied = append(tie(typed(C, A), D), B);
    expect(toTiers(step(tied, D, 1))).toEqual([[C], [A], [D], [B]]);
    expect(toTiers(step(tied, D, -1))).toEqual([[C], [D], [A], [B]]);
  });
  it("stops at the ends", () => {
    expect(step(typed(C, A, D, B), C, -1)).toEqual(typed(C, A, D, B));
  });
});

describe("taking away and coming back", () => {
  it("frees the place", () => {
    const ranking = remove(typed(C, A, D), A);
    expect(placeOf(ranking, A)).toBeNull();
    expect(unplaced(ranking, ids)).toEqual([A, B]);
  });
  it("restores stored tiers and drops strangers", () => {
    const ranking = fromTiers([[C, 99], [A, D], []], ids);
    expect(ranking.places).toEqual([[C], [A, D], [], []]);
    expect(toTiers(append(ranking, B))).toEqual([[C], [A, D], [B]]);
  });
});
