import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { comparisonsPath, snapshotsQuery, summaryQuery } from "@/api/datasets";
import type { Snapshot, Summary } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { CopyBlock } from "@/components/Copy";
import { formatCount, formatPercent } from "@/components/format";
import { Icon } from "@/components/Icon";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { snippetsFor } from "./snippets";

export function DatasetsPage({ projectId }: { projectId: number }) {
  const summary = useQuery(summaryQuery(projectId));
  const snapshots = useQuery(snapshotsQuery(projectId));
  return (
    <Page title={t.shell.datasets} lead={t.project.datasetsLead}>
      {summary.isError && <ErrorNote error={summary.error} onRetry={summary.refetch} />}
      {summary.data !== undefined && <Figures summary={summary.data} />}
      <div className="grid items-start gap-5 lg:grid-cols-[22rem_minmax(0,1fr)]">
        <Download projectId={projectId} />
        <Panel
          title={t.project.snippets}
          actions={
            <Link to="/p/$projectId/tokens" params={{ projectId }} className={buttonClass("plain", "small")}>
              {t.project.makeToken}
            </Link>
          }
        >
          <p className="text-soft pb-4 text-sm">{t.project.snippetsText}</p>
          <div className="grid gap-3">
            {snippetsFor(globalThis.location.origin, projectId).map(({ label, text }) => (
              <CopyBlock key={label} label={label} text={text} />
            ))}
          </div>
        </Panel>
      </div>
      <Panel title={t.project.snapshots} flush>
        <p className="text-soft px-5 pb-3 text-sm">{t.project.snapshotsText}</p>
        {snapshots.isPending && <Skeleton lines={3} />}
        {snapshots.isError && <ErrorNote error={snapshots.error} onRetry={snapshots.refetch} />}
        {snapshots.data?.items.length === 0 && (
          <EmptyState title={t.project.snapshotsEmpty}>{t.project.snapshotsEmptyText}</EmptyState>
        )}
        {snapshots.data !== undefined && snapshots.data.items.length > 0 && (
          <Table caption={t.project.snapshots} head={t.project.snapshotColumns}>
            {snapshots.data.items.map((one) => (
              <SnapshotRow key={one.id} snapshot={one} projectId={projectId} />
            ))}
          </Table>
        )}
      </Panel>
    </Page>
  );
}

function Figures({ summary }: { summary: Summary }) {
  const { comparisons, ties, by_split: split } = summary;
  const figures = [
    [
      t.project.comparisons,
      comparisons,
      t.loop.splits(formatCount(split.train), formatCount(split.validation), formatCount(split.test)),
    ],
    [t.project.rankings, summary.rankings, null],
    [t.project.ties, ties, comparisons === 0 ? null : formatPercent(ties / comparisons)],
    [t.project.datasetPrompts, summary.prompts, null],
    [t.project.annotators, summary.annotators, null],
  ] as const;
  return (
    <dl className="border-line bg-panel shadow-lift flex flex-wrap gap-x-12 gap-y-5 rounded-2xl border px-5 py-5">
      {figures.map(([name, value, note]) => (
        <div key={name} className="grid content-start">
          <dt className="text-soft text-sm font-semibold">{name}</dt>
          <dd className="text-2xl font-semibold tracking-tight tabular-nums">{formatCount(value)}</dd>
          {note !== null && <dd className="text-soft text-sm">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}

function Download({ projectId }: { projectId: number }) {
  return (
    <Panel title={t.project.download}>
      <div className="grid gap-4">
        <p className="text-soft text-sm">{t.project.downloadText}</p>
        <div className="flex flex-wrap gap-2">
          <a href={comparisonsPath(projectId, "jsonl")} download className={buttonClass("primary")}>
            <Icon name="download" />
            {t.project.downloadJsonl}
          </a>
          <a href={comparisonsPath(projectId, "parquet")} download className={buttonClass()}>
            <Icon name="download" />
            {t.project.downloadParquet}
          </a>
        </div>
      </div>
    </Panel>
  );
}

function SnapshotRow({ snapshot, projectId }: { snapshot: Snapshot; projectId: number }) {
  const counts = Object.entries(snapshot.counts).filter(([, value]) => typeof value === "number");
  return (
    <tr>
      <Cell head>{`#${snapshot.id}`}</Cell>
      <Cell>{snapshot.kind}</Cell>
      <Cell>
        {counts.map(([name, value]) => `${formatCount(Number(value))} ${name.replaceAll("_", " ")}`).join(", ")}
      </Cell>
      <Cell>
        <code title={snapshot.content_hash} className="font-mono text-sm">
          {snapshot.content_hash.slice(0, 12)}
        </code>
      </Cell>
      <Cell>
        {snapshot.run_id === null ? (
          t.common.none
        ) : (
          <Link
            to="/p/$projectId/runs/$runId"
            params={{ projectId, runId: snapshot.run_id }}
            className="text-accent underline underline-offset-2"
          >
            {`#${snapshot.run_id}`}
          </Link>
        )}
      </Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={snapshot.created_at} />
      </Cell>
    </tr>
  );
}
