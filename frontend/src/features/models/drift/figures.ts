/** What is followed from version to version, each figure with its 95 % interval where it has one. */
import type { DriftStep, Estimate } from "@/api/types";
import { formatFigure, formatPercent } from "@/components/format";
import { type Axis, axisOf, placeOf } from "@/features/runs/report/geometry";

/** Half a 95 % interval, in standard errors. */
const HALF_INTERVAL = 1.96;
const EVEN = 0.5;

export type FigureName = "kl" | "wins" | "reward" | "tokens" | "stopped" | "distinct";
export const FIGURES: readonly FigureName[] = ["kl", "wins", "reward", "tokens", "stopped", "distinct"];
const SHARES: readonly FigureName[] = ["wins", "stopped", "distinct"];
/** What each picture has to show beside its values: no distance, no difference. */
const ALWAYS: Record<FigureName, readonly number[]> = {
  kl: [0],
  wins: [EVEN],
  reward: [0],
  tokens: [],
  stopped: [1],
  distinct: [],
};

/** Where a difference would begin; the other figures have no such line. */
export const MARKS: Partial<Record<FigureName, number>> = { wins: EVEN, reward: 0 };

function alone(value: number | null | undefined): Estimate | null {
  return value == null ? null : { value, low: null, high: null };
}

/** A version's figure; null where it was not measured as all others were. */
export function figureOf(step: DriftStep, name: FigureName): Estimate | null {
  const { measured } = step;
  // Who wins is asked of two versions on the same prompts, whichever they are.
  if (name === "wins") return step.against_before;
  if (measured === null || !measured.comparable) return null;
  switch (name) {
    case "kl": {
      if (measured.kl === null) return null;
      const { value, standard_error: error } = measured.kl;
      return { value, low: Math.max(0, value - HALF_INTERVAL * error), high: value + HALF_INTERVAL * error };
    }
    case "reward":
      return measured.reward ?? (measured.kl?.value === 0 ? alone(0) : null);
    case "tokens":
      return measured.tokens;
    case "stopped":
      return alone(measured.stopped);
    case "distinct":
      return alone(measured.distinct_2);
  }
}

/** The figure in words, as short as it can be compared. */
export function wordsOf(name: FigureName, value: number | null | undefined): string {
  if (value == null) return "–";
  if (SHARES.includes(name)) return formatPercent(value);
  return formatFigure(Number(value.toFixed(name === "tokens" ? 1 : 2)) + 0);
}

export interface Dot {
  x: number;
  y: number;
  top: number;
  bottom: number;
}

/** A dot for each version that has the figure, in percent of the picture; its order is the versions'. */
export function dotsOf(estimates: readonly (Estimate | null)[], axis: Axis): Dot[] {
  const last = Math.max(1, estimates.length - 1);
  return estimates.flatMap((one, place) => {
    if (one?.value == null) return [];
    const up = (value: number) => 100 - placeOf(value, axis);
    return [
      {
        x: (100 * place) / last,
        y: up(one.value),
        top: up(one.high ?? one.value),
        bottom: up(one.low ?? one.value),
      },
    ];
  });
}

/** The picture's height, in the figure's own unit. */
export function heightOf(estimates: readonly (Estimate | null)[], name: FigureName): Axis {
  return axisOf(
    estimates.filter((one) => one !== null),
    ALWAYS[name],
  );
}
