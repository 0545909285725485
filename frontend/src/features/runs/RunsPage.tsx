import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { allItems } from "@/api/paging";
import { isFinal, runsQuery } from "@/api/runs";
import type { Run } from "@/api/types";
import { Button } from "@/components/Button";
import { formatSeconds } from "@/components/format";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { RunProgressLine } from "@/components/RunProgressLine";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { LaunchDialog } from "./LaunchDialog";
import { secondsOf } from "./RunFacts";
import { StatePill } from "./StatePill";

export function RunsPage({ projectId }: { projectId: number }) {
  const runs = useInfiniteQuery(runsQuery(projectId));
  const [launches, setLaunches] = useState(false);
  const rows = allItems(runs.data);
  return (
    <Page
      title={t.shell.runs}
      lead={t.runs.lead}
      actions={
        <Button variant="primary" onClick={() => setLaunches(true)}>
          {t.runs.launch}
        </Button>
      }
    >
      <Panel flush>
        {runs.isPending && <Skeleton />}
        {runs.isError && <ErrorNote error={runs.error} onRetry={runs.refetch} />}
        {runs.isSuccess && rows.length === 0 && <EmptyState title={t.runs.empty}>{t.runs.emptyText}</EmptyState>}
        {rows.length > 0 && (
          <Table caption={t.shell.runs} head={t.runs.columns}>
            {rows.map((run) => (
              <Row key={run.id} run={run} />
            ))}
          </Table>
        )}
      </Panel>
      {runs.hasNextPage && (
        <Button onClick={() => runs.fetchNextPage()} busy={runs.isFetchingNextPage} className="justify-self-center">
          {t.common.more}
        </Button>
      )}
      {launches && <LaunchDialog projectId={projectId} onClose={() => setLaunches(false)} />}
    </Page>
  );
}

function Row({ run }: { run: Run }) {
  const took = secondsOf(run);
  return (
    <tr>
      <Cell head className="whitespace-nowrap">
        <Link
          to="/p/$projectId/runs/$runId"
          params={{ projectId: run.project_id, runId: run.id }}
          className="hover:text-accent underline-offset-2 hover:underline"
        >
          {t.runs.kind(run.kind)} <span className="text-soft font-normal">{`#${run.id}`}</span>
        </Link>
      </Cell>
      <Cell>
        <StatePill state={run.state} />
      </Cell>
      <Cell className="min-w-56">
        {!isFinal(run.state) && run.state !== "queued" && (
          <RunProgressLine label={t.runs.title(run.kind, run.id)} progress={run.progress} />
        )}
        {run.state === "failed" && <span className="text-bad line-clamp-2 text-sm">{run.error ?? run.reason}</span>}
        {run.state === "queued" && <span className="text-soft text-sm">{run.notice ?? t.runs.queuedText}</span>}
      </Cell>
      <Cell className="whitespace-nowrap">{run.created_by?.name ?? t.runs.service}</Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={run.created_at} />
      </Cell>
      <Cell className="whitespace-nowrap">{took === null ? t.common.none : formatSeconds(took)}</Cell>
    </tr>
  );
}
