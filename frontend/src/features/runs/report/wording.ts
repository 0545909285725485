/** What the figures mean, in sentences; nothing is called better that lies within noise. */
import type { Estimate, Judged } from "@/api/types";
import { formatFigure } from "@/components/format";
import type { Tone } from "@/components/Pill";
import { t } from "@/strings";

export interface Verdict {
  tone: Tone;
  text: string;
}

const TONES = { above: "good", below: "bad", "within noise": "neutral" } as const;
const WEAK = 0.1;
const CLEAR = 0.3;
const STRONG = 0.6;

/** Three digits behind the point, as in the model card. */
export function exact(value: number | null | undefined): string {
  return value === null || value === undefined ? t.common.none : formatFigure(Number(value.toFixed(3)) + 0);
}

/** A difference of shares in points, with its sign. */
export function points(value: number | null | undefined): string {
  if (value === null || value === undefined) return t.common.none;
  const size = Number((100 * value).toFixed(1)) + 0;
  return size > 0 ? `+${formatFigure(size)}` : formatFigure(size);
}

function unsigned(value: number | null): number | null {
  return value === null ? null : Math.abs(value);
}

/** A share as a bare figure of percents, for where the unit stands beside it. */
export function percents(value: number | null | undefined): string {
  return value === null || value === undefined ? t.common.none : formatFigure(Number((100 * value).toFixed(1)) + 0);
}

/** The interval in words; empty where groups are too few for one. */
export function rangeOf({ low, high }: Estimate, as: (value: number) => string): string {
  if (low === null || low === undefined || high === null || high === undefined) return "";
  return t.report.interval(as(low), as(high));
}

/** The sentences at the head of the report, the most important first. */
export function verdictsOf(judged: Judged, lengthCorrelation: number | null): Verdict[] {
  return [
    gain(judged),
    longer(judged),
    people(judged),
    calibration(judged),
    lengthCorrelation === null ? null : length(lengthCorrelation),
  ].filter((one) => one !== null);
}

function gain({ gain: found }: Judged): Verdict {
  const size = found.verdict === "within noise" ? exact(found.value) : exact(unsigned(found.value));
  return { tone: TONES[found.verdict], text: t.report.verdicts.gain[found.verdict](size) };
}

function longer({ accuracy_over_longer: found }: Judged): Verdict {
  const size = found.verdict === "within noise" ? points(found.value) : points(unsigned(found.value)).replace("+", "");
  return { tone: TONES[found.verdict], text: t.report.verdicts.longer[found.verdict](size) };
}

function people({ ceiling }: Judged): Verdict {
  if (ceiling === null) return { tone: "neutral", text: t.report.verdicts.nobodyTwice };
  const { value, verdict } = ceiling.model_over_people;
  const size = verdict === "within noise" ? points(value) : points(unsigned(value)).replace("+", "");
  // People are the ceiling: to fall short of them is usual, to reach them is good.
  const tone = verdict === "below" ? "neutral" : "good";
  return { tone, text: t.report.verdicts.people[verdict](size) };
}

function calibration({ calibration: found }: Judged): Verdict | null {
  if (found.error === null || found.error_of_a_perfect_model === null) return null;
  const figures = [exact(found.error), exact(found.error_of_a_perfect_model)] as const;
  return found.error_within_noise === true
    ? { tone: "good", text: t.report.verdicts.calibrated(...figures) }
    : { tone: "warn", text: t.report.verdicts.uncalibrated(...figures) };
}

function length(correlation: number): Verdict {
  const size = Math.abs(correlation);
  const r = exact(correlation);
  const { none, weak, clear, strong } = t.report.verdicts.length;
  if (size < WEAK) return { tone: "good", text: none(r) };
  if (size < CLEAR) return { tone: "neutral", text: weak(r) };
  return size < STRONG ? { tone: "warn", text: clear(r) } : { tone: "bad", text: strong(r) };
}

/** What people said of a listed pair, in few words: votes for either answer and ties. */
export function votesText(votes: { preferred: number; other: number; tie: number }): {
  preferred: string;
  other: string;
  tie: string | null;
} {
  return {
    preferred: t.report.votes(votes.preferred),
    other: t.report.votes(votes.other),
    tie: votes.tie === 0 ? null : t.report.ties(votes.tie),
  };
}

/** A model card without the block that machines read. */
export function bodyOf(card: string): string {
  return card.replace(/^---\n[\s\S]*?\n---\n/, "");
}
