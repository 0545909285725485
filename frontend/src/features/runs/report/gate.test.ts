import { afterEach, describe, expect, it } from "vitest";

import type { Gate } from "@/api/types";
import { speak } from "@/strings";

import { gateBasis, gateRows, gateVerdict } from "./gate";

function gate(rest: Partial<Gate> = {}): Gate {
  return {
    decided: true,
    verdict: "pass",
    number: 2,
    error: 0.0076,
    judgments: 700,
    effective: 600.4,
    groups: 512,
    loss: { value: -0.0312, error: 0.002, bound: -0.0271 },
    loss_margin: 0.02,
    accuracy: { value: 0.0104, error: 0.004, bound: -0.012 },
    accuracy_margin: 0.02,
    needed: 900,
    ...rest,
  };
}

afterEach(() => speak("en"));

describe("the gate", () => {
  it("says its verdict with the evidence behind it", () => {
    expect(gateVerdict(gate())).toEqual({
      tone: "good",
      text: "Surely not worse than the live one by more than the rule allows, on 600 effective judgments (512 groups of prompts).",
    });
    const refused = gateVerdict(gate({ verdict: "refuse" }));
    expect(refused.tone).toBe("bad");
    expect(refused.text).toContain("would need about 900");
  });

  it("foresees nothing where nothing can be foreseen, and calls too little evidence neither good nor bad", () => {
    const scarce = gateVerdict(gate({ verdict: "too_little", effective: 40, groups: 12, needed: null }));
    expect(scarce).toEqual({
      tone: "neutral",
      text: "No verdict: there are 40 effective judgments (12 groups of prompts).",
    });
    expect(gateVerdict(gate({ verdict: "refuse", needed: 500 })).text).not.toContain("need");
  });

  it("sets each figure beside what the rule allows, with signs", () => {
    expect(gateRows(gate()).map((row) => row.slice(1))).toEqual([
      ["-0.031", "-0.027", "+0.02"],
      ["+1", "-1.2", "-2"],
    ]);
    const few = gate({ loss: { value: 0.1, error: null, bound: null } });
    expect(gateRows(few)[0]?.[2]).toBe("–");
  });

  it("tells a verdict that was followed from one that would be given now", async () => {
    expect(gateBasis(gate())).toContain("A cycle followed this verdict.");
    expect(gateBasis(gate({ decided: false }))).toContain("would say now");
    await speak("zh-CN");
    expect(gateVerdict(gate({ verdict: "too_little" })).text).toContain("尚无结论");
  });
});
