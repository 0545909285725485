/** What the gate found of a new reward model, in words and as rows of figures. */
import type { Gate } from "@/api/types";
import { formatCount, formatPercent } from "@/components/format";
import { t } from "@/strings";

import { exact, points, type Verdict } from "./wording";

const TONES = { pass: "good", refuse: "bad", too_little: "neutral" } as const;

/** The verdict with the evidence behind it, and what more it takes where that can be foreseen. */
export function gateVerdict(gate: Gate): Verdict {
  const there = t.report.gateWords[gate.verdict](formatCount(Math.round(gate.effective)), formatCount(gate.groups));
  const lacks = gate.verdict !== "pass" && gate.needed !== null && gate.needed > gate.effective;
  const text = lacks ? `${there} ${t.report.gateNeeds(formatCount(gate.needed ?? 0))}` : there;
  return { tone: TONES[gate.verdict], text };
}

/** Who followed the verdict, and how often one like it errs. */
export function gateBasis({ decided, number, error }: Gate): string {
  const followed = decided ? t.report.gateFollowed : t.report.gateWould;
  return `${followed} ${t.report.gateRisk(formatCount(number), formatPercent(error))}`;
}

/** Each figure: its name, the difference, the bound that decides, and what the rule allows. */
export function gateRows({ loss, accuracy, ...gate }: Gate): string[][] {
  return [
    [t.report.gateLoss, nats(loss.value), nats(loss.bound), nats(gate.loss_margin)],
    [t.report.gateAccuracy, points(accuracy.value), points(accuracy.bound), points(-gate.accuracy_margin)],
  ];
}

function nats(value: number | null): string {
  return value !== null && value > 0 ? `+${exact(value)}` : exact(value);
}
