import { useInfiniteQuery } from "@tanstack/react-query";

import { allItems } from "@/api/paging";
import { auditQuery } from "@/api/projects";
import { Button } from "@/components/Button";
import { factsOf } from "@/components/Facts";
import { formatFigure, formatFull, fromSlug } from "@/components/format";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

export function AuditPage({ projectId }: { projectId: number }) {
  const events = useInfiniteQuery(auditQuery(projectId));
  const rows = allItems(events.data);
  return (
    <Page title={t.shell.audit} lead={t.project.auditLead}>
      {events.isError && <ErrorNote error={events.error} onRetry={events.refetch} />}
      <Panel flush>
        {events.isPending && <Skeleton />}
        {events.isSuccess && rows.length === 0 && (
          <EmptyState title={t.project.auditEmpty}>{t.project.auditEmptyText}</EmptyState>
        )}
        {rows.length > 0 && (
          <Table caption={t.shell.audit} head={t.project.auditColumns}>
            {rows.map((event) => (
              <tr key={event.id}>
                <Cell className="text-soft text-sm whitespace-nowrap">
                  <time dateTime={event.at}>{formatFull(event.at)}</time>
                </Cell>
                <Cell className="whitespace-nowrap">{event.actor?.name ?? t.project.auditService}</Cell>
                <Cell className="whitespace-nowrap">{event.action}</Cell>
                <Cell className="whitespace-nowrap">{`${fromSlug(event.object_type)} ${event.object_id}`}</Cell>
                <Cell className="text-soft min-w-64 text-sm wrap-anywhere">
                  {factsOf(event.detail, formatFigure)
                    .map(([name, value]) => `${name} ${value}`)
                    .join(", ")}
                </Cell>
              </tr>
            ))}
          </Table>
        )}
      </Panel>
      {events.hasNextPage && (
        <Button onClick={() => events.fetchNextPage()} busy={events.isFetchingNextPage} className="justify-self-center">
          {t.common.more}
        </Button>
      )}
    </Page>
  );
}
