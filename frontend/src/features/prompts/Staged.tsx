import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { allItems } from "@/api/paging";
import { decidePromptSet, promptSetErrorsQuery } from "@/api/prompts";
import type { PromptSet } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

interface StagedProps {
  promptSet: PromptSet;
  projectId: number;
  onDone: () => void;
}

/** What the file holds, line by line where it is wrong, and one button that adds the rest. */
export function Staged({ promptSet, projectId, onDone }: StagedProps) {
  const queries = useQueryClient();
  const decide = useMutation({
    mutationFn: (decision: "accept" | "discard") => decidePromptSet(projectId, promptSet.id, decision),
    onSuccess: async () => {
      await Promise.all(
        ["prompt-sets", "prompts", "loop"].map((name) => queries.invalidateQueries({ queryKey: [name, projectId] })),
      );
      onDone();
    },
  });
  const isStaged = promptSet.state === "staged";
  const figures = [
    [promptSet.good, t.project.stagedGood],
    [promptSet.duplicates, t.project.stagedDuplicates],
    [promptSet.bad, t.project.stagedBad],
    [promptSet.lines, t.project.stagedLines],
  ] as const;
  return (
    <Panel title={t.project.staged(promptSet.name)}>
      <div className="grid gap-5" role="status">
        <dl className="flex flex-wrap gap-x-10 gap-y-3">
          {figures.map(([count, name]) => (
            <div key={name} className="flex flex-col-reverse">
              <dt className="text-soft text-sm">{name}</dt>
              <dd className="text-2xl font-semibold tracking-tight tabular-nums">{formatCount(count)}</dd>
            </div>
          ))}
        </dl>
        {promptSet.bad === 0 ? (
          <p className="text-good">{t.project.noErrors}</p>
        ) : (
          <LineErrors promptSet={promptSet} projectId={projectId} />
        )}
        {decide.isError && <ErrorNote error={decide.error} />}
        <div className="flex flex-wrap gap-2">
          {isStaged && (
            <>
              <Button
                variant="primary"
                busy={decide.isPending}
                disabled={promptSet.good === 0}
                onClick={() => decide.mutate("accept")}
              >
                {t.project.add(formatCount(promptSet.good), promptSet.good === 1)}
              </Button>
              <Button busy={decide.isPending} onClick={() => decide.mutate("discard")}>
                {t.project.discard}
              </Button>
            </>
          )}
          {!isStaged && <Button onClick={onDone}>{t.common.close}</Button>}
        </div>
      </div>
    </Panel>
  );
}

function LineErrors({ promptSet, projectId }: { promptSet: PromptSet; projectId: number }) {
  const [all, setAll] = useState(false);
  const more = useInfiniteQuery({ ...promptSetErrorsQuery(projectId, promptSet.id), enabled: all });
  const shown = all && more.data !== undefined ? allItems(more.data) : promptSet.errors;
  const hasMore = all ? more.hasNextPage : promptSet.bad > promptSet.errors.length;
  return (
    <section className="grid gap-2">
      <h3 className="text-sm font-semibold">{t.project.errorsTitle}</h3>
      <Table
        caption={t.project.errorsTitle}
        head={t.project.errorColumns}
        className="border-line max-h-96 overflow-y-auto rounded-xl border"
      >
        {shown.map((error) => (
          <tr key={error.line}>
            <Cell head>{error.line}</Cell>
            <Cell className="text-bad">{error.reason}</Cell>
            <Cell className="text-soft font-mono text-sm wrap-anywhere">{error.excerpt}</Cell>
          </tr>
        ))}
      </Table>
      {hasMore && (
        <Button
          size="small"
          className="justify-self-start"
          busy={more.isFetching}
          onClick={() => (all ? void more.fetchNextPage() : setAll(true))}
        >
          {all ? t.common.more : t.project.allErrors}
        </Button>
      )}
    </section>
  );
}
