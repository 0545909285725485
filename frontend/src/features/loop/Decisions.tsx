import { Link } from "@tanstack/react-router";

import type { Decision } from "@/api/types";
import { cx } from "@/components/cx";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { t } from "@/strings";

const TONES: Record<Decision["tone"], string> = { neutral: "bg-edge", good: "bg-good", bad: "bg-bad" };

/** The loop's own diary: what it decided, why, on which numbers. */
export function Decisions({ decisions, projectId }: { decisions: readonly Decision[]; projectId: number }) {
  return (
    <Panel title={t.loop.decisions}>
      {decisions.length === 0 && <p className="text-soft">{t.loop.noDecisions}</p>}
      <ol className="divide-line grid divide-y">
        {decisions.map((decision) => (
          <li key={decision.id} className="grid grid-cols-[3.5rem_minmax(0,1fr)] gap-3 py-2.5 first:pt-0">
            <Time iso={decision.at} className="text-soft text-sm leading-6 tabular-nums" />
            <p className="flex gap-2.5">
              <span aria-hidden="true" className={cx("mt-2 size-2 shrink-0 rounded-full", TONES[decision.tone])} />
              <span className="wrap-anywhere">
                {decision.text}
                {decision.run_id !== null && (
                  <>
                    {" "}
                    <Link
                      to="/p/$projectId/runs/$runId"
                      params={{ projectId, runId: decision.run_id }}
                      className="text-accent whitespace-nowrap underline underline-offset-2"
                    >
                      {t.loop.openReport}
                    </Link>
                  </>
                )}
              </span>
            </p>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
