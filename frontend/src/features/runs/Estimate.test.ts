import { expect, it } from "vitest";

import type { RunEstimate } from "@/api/types";

import { roughly, summaryOf } from "./Estimate";

const FOUND: RunEstimate = { verdict: "no_worker", tokens: 48_384, takes_bytes: 2_770_000_000, places: [], why: null };

it("rounds an estimate to the digits that mean something", () => {
  expect([0, 7, 48_384, 1_999_999].map(roughly)).toEqual([0, 7, 48_000, 2_000_000]);
});

it("tells tokens and memory, those of the first worker where one is there", () => {
  expect(summaryOf(FOUND)).toBe("About 48,000 tokens and 2.8 GB of memory");
  const place = { name: "a:1", machine: "1 × GPU", room_bytes: 8e10, takes_bytes: 3.7e9, parts: {} };
  const places = [{ ...place, fits: true, seconds: null, earlier: 0, smaller: [] }];
  expect(summaryOf({ ...FOUND, verdict: "fits", places })).toBe("About 48,000 tokens and 3.7 GB of memory");
});

it("claims nothing of a model that nobody knows", () => {
  expect(summaryOf({ verdict: "unknown", tokens: null, takes_bytes: null, places: [], why: null })).toBe(
    "How much this run takes is not known: its model does not tell its shape.",
  );
});
