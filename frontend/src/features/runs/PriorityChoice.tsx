import { useMutation, useQueryClient } from "@tanstack/react-query";

import { prioritiseRun, runQuery } from "@/api/runs";
import type { Run } from "@/api/types";
import { Select } from "@/components/Field";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

import { LEVELS } from "./OrderFields";

/** How urgent a run is that waits or rests; the choice acts at once. */
export function PriorityChoice({ run }: { run: Run }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (level: Run["priority"]) => prioritiseRun(run.id, level),
    onSuccess: (changed) => queries.setQueryData(runQuery(run.id).queryKey, changed),
  });
  return (
    <div className="grid gap-3 sm:max-w-xs">
      <Select
        label={t.order.priority}
        hint={t.order.priorityHint}
        value={change.isPending ? change.variables : run.priority}
        onChange={(event) => change.mutate(event.target.value as Run["priority"])}
        options={LEVELS.map((level) => [level, t.order.levels[level]] as const)}
      />
      {change.isError && <ErrorNote error={change.error} />}
    </div>
  );
}
