import { Link } from "@tanstack/react-router";

import type { Loop } from "@/api/types";
import { formatCount } from "@/components/format";
import { Panel } from "@/components/Page";
import { ProgressBar } from "@/components/Progress";
import { RunProgressLine } from "@/components/RunProgressLine";
import { t } from "@/strings";

import { Stages } from "./Stages";

/** What runs at this moment, and what will start the next cycle. */
export function Now({ loop }: { loop: Loop }) {
  const { cycle, next, settings, comparisons } = loop;
  const wanted = settings.retrain_after_comparisons ?? null;
  const isUnderWay = cycle !== null && ["running", "waiting"].includes(cycle.state);
  return (
    <div className="grid gap-5">
      <Panel title={t.loop.now}>
        <div className="grid gap-4">
          {isUnderWay && <Stages cycle={cycle} />}
          {loop.active_runs.length === 0 && !isUnderWay && <p className="text-soft">{t.loop.nothingNow}</p>}
          {loop.active_runs.map((run) => (
            <div key={run.id} className="grid gap-2">
              <Link
                to="/p/$projectId/runs/$runId"
                params={{ projectId: run.project_id, runId: run.id }}
                className="hover:text-accent font-medium underline-offset-2 hover:underline"
              >
                {t.runs.kind(run.kind)} <span className="text-soft font-normal">{`#${run.id}`}</span>
              </Link>
              <RunProgressLine
                label={t.runs.title(run.kind, run.id)}
                progress={run.state === "queued" ? { text: run.notice ?? t.runs.queuedText } : run.progress}
              />
            </div>
          ))}
        </div>
      </Panel>
      <Panel title={t.loop.next}>
        <p>{next.text}</p>
        {wanted !== null && next.comparisons_needed !== null && (
          <div className="grid gap-1.5 pt-3">
            <ProgressBar label={t.loop.progressToRetrain} value={1 - next.comparisons_needed / wanted} />
            <p className="text-soft text-sm tabular-nums">
              {`${formatCount(comparisons.new)} / ${formatCount(wanted)} · ${t.loop.needed(formatCount(next.comparisons_needed))}`}
            </p>
          </div>
        )}
      </Panel>
    </div>
  );
}
