import { describe, expect, it } from "vitest";

import type { Judged, RewardReport } from "@/api/types";

import { resultRows } from "@/features/runs/RunFacts";
import { checksOf } from "./checks";
import { tablesOf } from "./parts";

const part = (name: string, value: string, decided: number) => ({
  [name]: value,
  decided,
  accuracy: { value: 0.5, low: null, high: null },
});

describe("the parts", () => {
  const parts = {
    annotator: [part("annotator", "7", 40)],
    tiers_apart: [part("tiers_apart", "1", 90), part("tiers_apart", "0", 0), part("tiers_apart", "2", 12)],
    weather: [part("weather", "rain", 3)],
    completions: [part("completions", "9", 50), part("completions", "10", 8), part("completions", "2", 20)],
    models: [],
  } as unknown as Judged["parts"];

  it("come in the order they are read in, those without rows not at all", () => {
    expect(tablesOf(parts).map((one) => one.name)).toEqual(["completions", "tiers_apart", "annotator", "weather"]);
  });

  it("count upwards, and leave out what decides nothing", () => {
    const names = tablesOf(parts).map((one) => one.rows.map((row) => row.name));
    expect(names).toEqual([["K = 2", "K = 9", "K = 10"], ["1 tier", "2 tiers"], ["Annotator 7"], ["rain"]]);
  });
});

describe("the look at the data", () => {
  const clean = {
    annotators: 3,
    bad_rows: { count: 0 },
    dropped: { no_comparison: 0, all_tied: 0 },
    identical: { pairs: 0, prompts: 0 },
    truncated: { prompts: 0, completions: 0, tokens: 0, made_equal: { pairs: 0 } },
    contradictory: { same_person: { pairs: 0 }, cycles: { prompts: 0 } },
    leaking: { groups: 0, prompts: 0 },
    dominance: { annotator: "7", judgments: 5, share: 0.4 },
    length_bias: { longer_preferred: 0.6, pairs: 100 },
  } as unknown as RewardReport["preflight"];
  const looked = (more: object) =>
    checksOf({ ...clean, ...more })
      .filter((one) => one.look)
      .map((one) => one.name);

  it("points at nothing in clean data, and says so line by line", () => {
    expect(looked({})).toEqual([]);
    expect(checksOf(clean).filter((one) => one.found === "None")).toHaveLength(9);
  });

  it("points at what was lost and what is odd", () => {
    expect(looked({ leaking: { groups: 1, prompts: 4 } })).toEqual(["Prompts that share text across splits"]);
    expect(looked({ dominance: { annotator: "7", judgments: 9, share: 0.51 } })).toHaveLength(1);
    expect(looked({ length_bias: { longer_preferred: 0.3, pairs: 100 } })).toHaveLength(1);
  });

  it("calls nobody dominant who is alone, and no bias what few pairs show", () => {
    expect(looked({ annotators: 1, dominance: { annotator: "7", judgments: 9, share: 1 } })).toEqual([]);
    expect(looked({ length_bias: { longer_preferred: 0.9, pairs: 29 } })).toEqual([]);
  });
});

it("names last figures and stored weights, each on a line", () => {
  const artifact = { sha256: "0123456789abcdef", bytes: 1500 };
  expect(resultRows({ metrics: { loss: 0.5, gone: null }, artifact })).toEqual([
    ["loss", "0.5"],
    ["Stored weights", "1.5 kB"],
    ["Name of the weights", "0123456789ab"],
  ]);
  expect(resultRows({ accuracy: 0.7, artifact: null })).toEqual([["accuracy", "0.7"]]);
});
