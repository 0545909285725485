import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { allItems } from "@/api/paging";
import { membersQuery } from "@/api/people";
import { tasksQuery } from "@/api/tasks";
import { MoreButton } from "@/components/MoreButton";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

import { OverlapPanel } from "./OverlapPanel";
import { TaskRow } from "./TaskRow";
import { WritingPanel } from "./WritingPanel";

/** Every task with its judgments; how many each gets, and who is to give them. */
export function TasksPage({ projectId }: { projectId: number }) {
  const tasks = useInfiniteQuery(tasksQuery(projectId));
  const members = useQuery(membersQuery(projectId));
  const rows = allItems(tasks.data);
  return (
    <Page title={t.shell.tasks} lead={t.tasks.lead}>
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <OverlapPanel projectId={projectId} />
        <WritingPanel projectId={projectId} />
      </div>
      <Panel title={t.tasks.list} flush>
        {tasks.isPending && <Skeleton />}
        {tasks.isError && <ErrorNote error={tasks.error} onRetry={tasks.refetch} />}
        {tasks.isSuccess && rows.length === 0 && <EmptyState title={t.tasks.empty}>{t.tasks.emptyText}</EmptyState>}
        <ul className="divide-line border-line divide-y border-t">
          {rows.map((task) => (
            <TaskRow key={task.id} task={task} projectId={projectId} members={members.data?.items ?? []} />
          ))}
        </ul>
        <MoreButton query={tasks} />
      </Panel>
    </Page>
  );
}
