/** Where figures lie in a picture, in percent of its width or height. */
import type { CalibrationBin, Estimate, Histogram } from "@/api/types";

export type Axis = readonly [low: number, high: number];

/** An axis that holds every estimate with its interval, and what must be on it, with ends at round figures. */
export function axisOf(estimates: readonly Estimate[], always: readonly number[] = []): Axis {
  const values = [...always, ...estimates.flatMap(({ value, low, high }) => [value, low, high])].filter(
    (value): value is number => typeof value === "number",
  );
  if (values.length === 0) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = roundStep((high - low || Math.abs(high) || 1) / 4);
  const start = Math.floor(low / step + 1e-9) * step;
  const end = Math.ceil(high / step - 1e-9) * step;
  return [tidy(start), tidy(end > start ? end : start + step)];
}

/** 1, 2 or 5 times a power of ten, at least as large as `step`. */
function roundStep(step: number): number {
  const size = 10 ** Math.floor(Math.log10(step));
  return size * ([1, 2, 5, 10].find((times) => times * size >= step * (1 - 1e-9)) ?? 10);
}

function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** A value's place on the axis; what lies outside is put at the end. */
export function placeOf(value: number, [low, high]: Axis): number {
  return Math.min(100, Math.max(0, (100 * (value - low)) / (high - low)));
}

export interface Span {
  start: number;
  width: number;
}

/** The interval on the axis; null where there is none. */
export function spanOf(low: number | null | undefined, high: number | null | undefined, axis: Axis): Span | null {
  if (low === null || low === undefined || high === null || high === undefined) return null;
  const start = placeOf(low, axis);
  return { start, width: placeOf(high, axis) - start };
}

export interface CurvePoint {
  x: number;
  y: number;
  top: number;
  bottom: number;
}

/** A calibration curve in a square whose y runs downwards, as pictures do. */
export function curveOf(curve: readonly CalibrationBin[]): CurvePoint[] {
  return curve.map(({ predicted, observed, low, high }) => ({
    x: 100 * predicted,
    y: 100 * (1 - observed),
    top: 100 * (1 - high),
    bottom: 100 * (1 - low),
  }));
}

/** Pairs in each of ten bins, empty ones too. */
export function countsOf(curve: readonly CalibrationBin[], bins = 10): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const bin of curve) counts[Math.min(bins - 1, Math.round(bin.from * bins))] = bin.pairs;
  return counts;
}

/** Heights of bars; the highest is 100, and what is not empty can be seen. */
export function heightsOf(counts: readonly number[]): number[] {
  const most = Math.max(...counts, 1);
  return counts.map((count) => (count === 0 ? 0 : Math.max(2, (100 * count) / most)));
}

export interface Bar {
  from: number;
  to: number;
  count: number;
  height: number;
}

/** The bars of a histogram. */
export function barsOf({ edges, counts }: Histogram): Bar[] {
  const heights = heightsOf(counts);
  return counts.map((count, place) => ({
    from: edges[place] ?? 0,
    to: edges[place + 1] ?? 0,
    count,
    height: heights[place] ?? 0,
  }));
}
