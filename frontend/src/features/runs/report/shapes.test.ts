import { describe, expect, it } from "vitest";

import { knownOf } from "./shapes";

/** The keys of a reward report, but a part of it is of an earlier version. */
const OLD = { judged: { accuracy: 0.7 }, by_split: {}, preflight: {} };

describe("the shape of a report", () => {
  it("is the API's word, whatever keys the report has", () => {
    expect(knownOf({ kind: "reward", shape: null, report: OLD })).toEqual({ shape: null, report: OLD });
    expect(knownOf({ kind: "reward", shape: "reward", report: OLD }).shape).toBe("reward");
    expect(knownOf({ kind: "evaluate", shape: "evaluation", report: {} }).shape).toBe("evaluation");
  });

  it("is none where it is that of another kind of run", () => {
    expect(knownOf({ kind: "ppo", shape: "sft", report: {} }).shape).toBeNull();
    expect(knownOf({ kind: "import_model", shape: null, report: {} }).shape).toBeNull();
  });
});
