import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { blindComparisonsQuery, stopAsking } from "@/api/blind";
import type { BlindComparison } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { WinRate } from "@/components/WinRate";
import { missingOf, votesOf } from "@/components/votes";
import { t } from "@/strings";

import { AskBlindly } from "./AskBlindly";

const TONES = { better: "good", worse: "bad", undecided: "neutral" } as const;

/** What people say of two versions whose answers they judge without knowing of it. */
export function Blind({ projectId, liveId }: { projectId: number; liveId: number | null }) {
  const comparisons = useQuery(blindComparisonsQuery(projectId));
  return (
    <Panel title={t.blind.title}>
      <div className="grid gap-5">
        <p className="text-soft max-w-prose text-sm">{t.blind.lead}</p>
        {comparisons.isError && <ErrorNote error={comparisons.error} onRetry={comparisons.refetch} />}
        {comparisons.data !== undefined && comparisons.data.items.length > 0 && (
          <ul className="divide-line grid divide-y">
            {comparisons.data.items.map((one) => (
              <Comparison key={one.id} comparison={one} />
            ))}
          </ul>
        )}
        <AskBlindly projectId={projectId} liveId={liveId} />
      </div>
    </Panel>
  );
}

function Comparison({ comparison }: { comparison: BlindComparison }) {
  const queries = useQueryClient();
  const { project_id: projectId } = comparison;
  const stop = useMutation({
    mutationFn: () => stopAsking(projectId, comparison.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["blind", projectId] }),
  });
  return (
    <li className="grid gap-2 py-3 first:pt-0">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="me-auto font-medium wrap-anywhere">{t.blind.pair(comparison.candidate, comparison.rival)}</h3>
        <Pill tone={comparison.verdict === null ? "neutral" : TONES[comparison.verdict]}>
          {comparison.verdict === null ? t.blind.states[comparison.state] : t.blind.verdicts[comparison.verdict]}
        </Pill>
        {comparison.state === "open" && (
          <Button size="small" busy={stop.isPending} onClick={() => stop.mutate()}>
            {t.blind.stop}
          </Button>
        )}
      </div>
      <WinRate comparison={comparison} />
      <p className="text-soft text-sm tabular-nums">
        {votesOf(comparison)}
        {" · "}
        <Link
          to="/p/$projectId/runs/$runId"
          params={{ projectId, runId: comparison.run_id }}
          className="text-accent underline underline-offset-2"
        >
          {t.loop.openReport}
        </Link>
      </p>
      {comparison.state === "open" && (
        <p className="text-soft text-sm">
          {t.blind.waiting(formatCount(comparison.open_tasks))} {missingOf(comparison)}
        </p>
      )}
      {stop.isError && <ErrorNote error={stop.error} />}
    </li>
  );
}
