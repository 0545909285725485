import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { allItems } from "@/api/paging";
import { reportsQuery, resolveReport } from "@/api/quality";
import type { Report, ReportOutcome } from "@/api/types";
import { Button } from "@/components/Button";
import { MoreButton } from "@/components/MoreButton";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Segments } from "@/components/Segments";
import { Time } from "@/components/Time";
import { t } from "@/strings";

export function ReportsPage({ projectId }: { projectId: number }) {
  const [view, setView] = useState<"open" | "resolved">("open");
  const reports = useInfiniteQuery(reportsQuery(projectId, view === "open"));
  const rows = allItems(reports.data);
  const words = t.quality;
  const views = [
    ["open", words.reportOpen],
    ["resolved", words.reportResolved],
  ] as const;
  return (
    <Page
      title={t.shell.reports}
      lead={words.reportsLead}
      actions={<Segments label={words.reportViews} value={view} options={views} onChange={setView} />}
    >
      <Panel flush>
        {reports.isPending && <Skeleton />}
        {reports.isError && <ErrorNote error={reports.error} onRetry={reports.refetch} />}
        {reports.isSuccess && rows.length === 0 && (
          <EmptyState title={view === "open" ? words.reportsEmpty : words.reportsNone}>
            {view === "open" ? words.reportsEmptyText : words.reportsNoneText}
          </EmptyState>
        )}
        <ul className="divide-line divide-y">
          {rows.map((report) => (
            <Row key={report.id} report={report} projectId={projectId} />
          ))}
        </ul>
        <MoreButton query={reports} />
      </Panel>
    </Page>
  );
}

function Row({ report, projectId }: { report: Report; projectId: number }) {
  const { prompt, reason, note, outcome } = report;
  return (
    <li className="grid gap-3 px-5 py-4 md:grid-cols-[minmax(0,1fr)_auto] md:items-start md:gap-6">
      <div className="grid gap-1.5">
        <p dir="auto" className="line-clamp-3 max-w-prose">
          {prompt.excerpt}
        </p>
        {note !== "" && (
          <p dir="auto" className="border-line text-soft max-w-prose border-s-2 ps-3">
            {note}
          </p>
        )}
        <p className="text-soft flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          <Pill tone={reason === "unclear" ? "neutral" : "warn"}>{t.quality.reasons[reason]}</Pill>
          <span>{t.quality.reportedBy(report.reporter)}</span>
          <Time iso={report.created_at} />
        </p>
      </div>
      {outcome === null ? (
        <Decision projectId={projectId} reportId={report.id} />
      ) : (
        <p className="text-soft flex items-center gap-3 text-sm">
          <Pill tone={outcome === "dismissed" ? "neutral" : "bad"}>{t.quality.outcomes[outcome]}</Pill>
          {report.resolved_at !== null && <Time iso={report.resolved_at} />}
        </p>
      )}
    </li>
  );
}

function Decision({ projectId, reportId }: { projectId: number; reportId: number }) {
  const queries = useQueryClient();
  const resolve = useMutation({
    mutationFn: (outcome: ReportOutcome) => resolveReport(projectId, reportId, outcome),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["reports", projectId] }),
  });
  return (
    <div className="grid gap-1.5 md:justify-items-end">
      <div className="flex flex-wrap gap-2">
        <Button size="small" busy={resolve.isPending} onClick={() => resolve.mutate("dismissed")}>
          {t.quality.dismiss}
        </Button>
        <Button size="small" variant="danger" busy={resolve.isPending} onClick={() => resolve.mutate("prompt_retired")}>
          {t.quality.retire}
        </Button>
      </div>
      <p className="text-soft text-xs">{t.quality.retireHint}</p>
      {resolve.isError && <ErrorNote error={resolve.error} />}
    </div>
  );
}
