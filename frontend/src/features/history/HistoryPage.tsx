import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { myProgressQuery, myRankingsQuery } from "@/api/desk";
import { allItems } from "@/api/paging";
import type { OwnRanking } from "@/api/types";
import { Button, buttonClass } from "@/components/Button";
import { formatCount, formatPercent, formatSeconds } from "@/components/format";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Time } from "@/components/Time";
import { useNow } from "@/components/useNow";
import { t } from "@/strings";

/** One's own rankings: read them, and change those that are still open. */
export function HistoryPage({ projectId }: { projectId: number }) {
  const rankings = useInfiniteQuery(myRankingsQuery(projectId));
  const progress = useQuery(myProgressQuery(projectId));
  const rows = allItems(rankings.data);
  const { total, median_seconds: pace } = progress.data ?? {};
  const lead =
    total === undefined
      ? undefined
      : t.project.historyLead(formatCount(total), pace == null ? null : formatSeconds(pace));
  return (
    <Page title={t.shell.history} lead={lead} narrow>
      {progress.data?.gold != null && (
        <p className="text-soft -mt-3 text-sm">
          {t.desk.work.gold(formatPercent(progress.data.gold.agreement), progress.data.gold.judged)}
        </p>
      )}
      <Panel flush>
        {rankings.isPending && <Skeleton />}
        {rankings.isError && <ErrorNote error={rankings.error} onRetry={rankings.refetch} />}
        {rankings.isSuccess && rows.length === 0 && (
          <EmptyState
            title={t.project.historyEmpty}
            action={
              <Link to="/p/$projectId/desk" params={{ projectId }} className={buttonClass("primary")}>
                {t.shell.desk}
              </Link>
            }
          >
            {t.project.historyEmptyText}
          </EmptyState>
        )}
        <ul className="divide-line divide-y">
          {rows.map((row) => (
            <Row key={row.ranking_id} row={row} projectId={projectId} />
          ))}
        </ul>
      </Panel>
      {rankings.hasNextPage && (
        <Button
          onClick={() => rankings.fetchNextPage()}
          busy={rankings.isFetchingNextPage}
          className="justify-self-center"
        >
          {t.common.more}
        </Button>
      )}
    </Page>
  );
}

function Row({ row, projectId }: { row: OwnRanking; projectId: number }) {
  const isOpen = Date.parse(row.editable_until) > useNow();
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3.5">
      <div className="min-w-0 flex-1 basis-64">
        <p dir="auto" className="line-clamp-2">
          {row.prompt_excerpt}
        </p>
        <p className="text-soft flex items-center gap-2 pt-0.5 text-sm">
          <Time iso={row.submitted_at} />
          {row.revision > 1 && <Pill>{t.project.historyRevision(row.revision)}</Pill>}
        </p>
      </div>
      {isOpen ? (
        <Link
          to="/p/$projectId/desk"
          params={{ projectId }}
          search={{ revise: row.assignment_id }}
          aria-label={t.project.historyEditThis(row.prompt_excerpt)}
          className={buttonClass("plain", "small")}
        >
          {t.project.historyEdit}
        </Link>
      ) : (
        <span className="text-soft text-sm">{t.project.historyClosed}</span>
      )}
    </li>
  );
}
