import type { BlindComparison } from "@/api/types";
import { t } from "@/strings";

/** The share of decided votes for the candidate as a dot on its confidence sequence, one half marked. */
export function WinRate({ comparison: { share, low, high, error } }: { comparison: BlindComparison }) {
  if (share === null) return null;
  const words = t.blind.share(share.toFixed(2), low.toFixed(3), high.toFixed(3), String(Math.round(100 * (1 - error))));
  return (
    <div className="grid gap-1">
      <svg viewBox="0 0 100 8" className="h-4 w-full" preserveAspectRatio="none" aria-hidden="true">
        <line x1="0" x2="100" y1="4" y2="4" className="stroke-line" vectorEffect="non-scaling-stroke" />
        <line x1="50" x2="50" y1="0" y2="8" className="stroke-edge" vectorEffect="non-scaling-stroke" />
        <line
          x1={100 * low}
          x2={100 * high}
          y1="4"
          y2="4"
          className="stroke-accent"
          strokeWidth="4"
          vectorEffect="non-scaling-stroke"
        />
        <line
          x1={100 * share}
          x2={100 * share}
          y1="0"
          y2="8"
          className="stroke-ink"
          strokeWidth="3"
          vectorEffect="non-scaling-stroke"
        />
      </svg>
      <p className="text-sm tabular-nums">{words}</p>
    </div>
  );
}
