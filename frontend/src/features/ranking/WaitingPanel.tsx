import { Link } from "@tanstack/react-router";

import type { Waiting } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { formatSeconds } from "@/components/format";
import { ProgressBar } from "@/components/Progress";
import { t } from "@/strings";

interface WaitingPanelProps {
  waiting: Waiting;
  projectId: number;
  seesLoop: boolean;
}

function figure(progress: Record<string, unknown>, name: string): number | null {
  const value = progress[name];
  return typeof value === "number" ? value : null;
}

/** Why there is nothing to rank, how long it takes, and that nobody has to press reload. */
export function WaitingPanel({ waiting, projectId, seesLoop }: WaitingPanelProps) {
  const progress = waiting.run?.progress ?? {};
  const step = figure(progress, "step");
  const total = figure(progress, "total");
  const left = figure(progress, "seconds_left");
  const share = step !== null && total !== null && total > 0 ? step / total : null;
  return (
    <section role="status" className="mx-auto grid w-full max-w-lg content-center gap-3 px-5 py-24 text-center">
      <h2 className="text-xl font-semibold tracking-tight">{t.desk.waiting[waiting.reason]}</h2>
      <p className="text-soft">{waiting.text}</p>
      {waiting.run !== null && (
        <div className="grid gap-2 pt-2">
          <ProgressBar label={t.desk.waiting.writing} value={share} />
          <p className="text-soft text-sm tabular-nums">
            {step !== null && total !== null && t.common.outcome(step, total)}
            {left !== null && ` · ${t.common.timeLeft(formatSeconds(left))}`}
          </p>
        </div>
      )}
      {waiting.reason !== "paused" && <p className="text-soft text-sm">{t.desk.waitingRefresh}</p>}
      {seesLoop && (
        <p className="flex justify-center gap-2 pt-2">
          {waiting.reason === "no_prompts" ? (
            <Link to="/p/$projectId/prompts" params={{ projectId }} className={buttonClass("primary")}>
              {t.desk.uploadPrompts}
            </Link>
          ) : (
            <Link to="/p/$projectId/loop" params={{ projectId }} className={buttonClass()}>
              {t.desk.openLoop}
            </Link>
          )}
        </p>
      )}
    </section>
  );
}
