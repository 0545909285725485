import type { RunProgress } from "@/api/types";
import { t } from "@/strings";

import { formatSeconds } from "./format";
import { ProgressBar } from "./Progress";

interface LineProps {
  label: string;
  progress: Partial<RunProgress>;
}

/** How far a run is, in a bar and in words. */
export function RunProgressLine({ label, progress }: LineProps) {
  const { step, total, part, parts, seconds_left: left, phase, text } = progress;
  const isCounted = step != null && total != null && total > 0;
  const isLast = part == null || parts == null || part === parts;
  const words = [
    part != null && parts != null ? t.runs.part(part, parts) : null,
    phase,
    isCounted ? t.runs.step(step, total) : null,
    left != null ? (isLast ? t.runs.timeLeft : t.runs.timeLeftInPart)(formatSeconds(left)) : null,
  ].filter((word) => word != null && word !== "");
  if (text != null && !isCounted) return <p className="text-soft text-sm">{text}</p>;
  return (
    <div className="grid gap-1.5">
      <ProgressBar label={label} value={isCounted ? step / total : null} />
      <p className="text-soft text-sm tabular-nums">{words.join(" · ")}</p>
    </div>
  );
}
