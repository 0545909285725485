import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Decision } from "@/api/types";
import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { formatCount } from "@/components/format";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { t } from "@/strings";

const TONES: Record<Decision["tone"], string> = { neutral: "bg-edge", good: "bg-good", bad: "bg-bad" };
// About two cycles: what stands below the diary is still within reach.
const SHOWN_AT_FIRST = 12;
const LONGEST_OUTCOME = 60;

/** The button goes with the click, so whoever pressed it reads on where the list grew, not at the top of the page. */
function takeFocus(entry: HTMLElement | null) {
  entry?.focus();
}

/** The loop's own diary: what it decided, why, on which numbers. */
export function Decisions({ decisions, projectId }: { decisions: readonly Decision[]; projectId: number }) {
  // The first entry that was not shown until the rest was asked for.
  const [firstOfRest, setFirstOfRest] = useState<number | null>(null);
  const shown = firstOfRest === null ? decisions.slice(0, SHOWN_AT_FIRST) : decisions;
  return (
    <Panel title={t.loop.decisions}>
      {decisions.length === 0 && <p className="text-soft">{t.loop.noDecisions}</p>}
      <ol className="divide-line grid divide-y">
        {shown.map((decision) => (
          <li
            key={decision.id}
            {...(decision.id === firstOfRest && { ref: takeFocus, tabIndex: -1 })}
            className="grid gap-x-3 gap-y-0.5 py-2.5 first:pt-0 sm:grid-cols-[3.5rem_minmax(0,1fr)]"
          >
            <Time iso={decision.at} className="text-soft text-sm leading-6 tabular-nums" />
            <p className="flex gap-2.5">
              <span aria-hidden="true" className={cx("mt-2 size-2 shrink-0 rounded-full", TONES[decision.tone])} />
              <span className="wrap-anywhere">
                <Words decision={decision} />
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
      {shown.length < decisions.length && (
        <Button
          variant="quiet"
          size="small"
          className="mt-2 -ml-3"
          onClick={() => setFirstOfRest(decisions[SHOWN_AT_FIRST]?.id ?? null)}
        >
          {t.loop.allDecisions(formatCount(decisions.length))}
        </Button>
      )}
    </Panel>
  );
}

/** A decision's sentence. Of a good or bad one the outcome, before the reasons, is what the eye should find. */
function Words({ decision: { text, tone } }: { decision: Decision }) {
  const end = text.indexOf(":");
  if (tone === "neutral" || end < 0 || end > LONGEST_OUTCOME) {
    return text;
  }
  return (
    <>
      <strong className="font-semibold">{text.slice(0, end + 1)}</strong>
      {text.slice(end + 1)}
    </>
  );
}
