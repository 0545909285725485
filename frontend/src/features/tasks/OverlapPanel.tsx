import { useMutation, useQueryClient } from "@tanstack/react-query";

import { changeOverlap } from "@/api/tasks";
import { Button } from "@/components/Button";
import { Select, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { formatCount } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

const WHICH = ["open", "all"] as const;
const MOST = 50;

/** Raises or lowers how many people judge each task, while the work goes on. */
export function OverlapPanel({ projectId }: { projectId: number }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (form: FormData) =>
      changeOverlap(projectId, Number(fieldText(form, "overlap")), fieldText(form, "which") === "all" ? "all" : "open"),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tasks", projectId] }),
  });
  const words = t.tasks;
  return (
    <Panel title={words.overlapTitle}>
      <form onSubmit={submitting((form) => change.mutate(form))} className="grid gap-4">
        <p className="text-soft -mt-1 text-sm">{words.overlapText}</p>
        <div className="grid gap-4 sm:grid-cols-[8rem_minmax(0,1fr)]">
          <TextField label={words.overlap} name="overlap" type="number" min={1} max={MOST} required defaultValue={2} />
          <Select
            label={words.which}
            name="which"
            options={WHICH.map((one) => [one, words.whichOptions[one]] as const)}
          />
        </div>
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" busy={change.isPending}>
            {words.apply}
          </Button>
          <p role="status" className="text-good text-sm">
            {change.isSuccess && words.changed(formatCount(change.data))}
          </p>
        </div>
        {change.isError && <ErrorNote error={change.error} />}
      </form>
    </Panel>
  );
}
