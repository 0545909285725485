import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { projectQuery } from "@/api/projects";
import { promptSetsQuery } from "@/api/prompts";
import { openWritingTasks, writingSummaryQuery } from "@/api/tasks";
import { Button } from "@/components/Button";
import { Select, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { formatCount } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { ProgressBar } from "@/components/Progress";
import { t } from "@/strings";

/** Opens writing tasks, and says how far the writing is. */
export function WritingPanel({ projectId }: { projectId: number }) {
  const queries = useQueryClient();
  const project = useQuery(projectQuery(projectId));
  const open = useMutation({
    mutationFn: (form: FormData) => {
      const set = fieldText(form, "prompt_set");
      return openWritingTasks(projectId, {
        count: Number(fieldText(form, "count")),
        overlap: Number(fieldText(form, "overlap")),
        promptSetId: set === "" ? null : Number(set),
      });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["writing-summary", projectId] });
      await queries.invalidateQueries({ queryKey: ["tasks", projectId] });
    },
  });
  const words = t.tasks;
  return (
    <Panel title={words.writingTitle}>
      <form onSubmit={submitting((form) => open.mutate(form))} className="grid gap-4">
        <p className="text-soft -mt-1 text-sm">{words.writingText}</p>
        <WritingProgress projectId={projectId} />
        <WritingFields projectId={projectId} />
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" busy={open.isPending}>
            {words.writingOpen}
          </Button>
          <p role="status" className="text-good text-sm">
            {open.isSuccess && words.writingOpened(open.data)}
          </p>
        </div>
        {project.data?.settings.annotators_write === false && (
          <p className="text-soft text-sm">{words.writingAdminsOnly}</p>
        )}
        {open.isError && <ErrorNote error={open.error} />}
      </form>
    </Panel>
  );
}

function WritingProgress({ projectId }: { projectId: number }) {
  const summary = useQuery(writingSummaryQuery(projectId));
  if (summary.isError) return <ErrorNote error={summary.error} onRetry={summary.refetch} />;
  if (summary.data === undefined) return null;
  const { open, done, demonstrations } = summary.data;
  const all = open + done;
  if (all === 0) return null;
  return (
    <div className="grid gap-1.5">
      <ProgressBar label={t.tasks.writingProgress} value={done / all} />
      <p className="text-soft text-sm">
        {t.tasks.writingSummary(formatCount(open), formatCount(done), formatCount(demonstrations))}
      </p>
    </div>
  );
}

function WritingFields({ projectId }: { projectId: number }) {
  const sets = useQuery(promptSetsQuery(projectId));
  const added = (sets.data?.items ?? []).filter((one) => one.state === "added");
  const words = t.tasks;
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <TextField
        label={words.writingCount}
        name="count"
        type="number"
        min={1}
        max={10_000}
        required
        defaultValue={20}
      />
      <TextField label={words.writingOverlap} name="overlap" type="number" min={1} max={50} required defaultValue={1} />
      <Select
        label={words.writingSet}
        name="prompt_set"
        options={[["", words.writingAnySet], ...added.map((one) => [String(one.id), one.name] as const)]}
      />
    </div>
  );
}
