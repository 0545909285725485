import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { changeTask } from "@/api/tasks";
import type { Member, Task, TaskChange } from "@/api/types";
import { Button } from "@/components/Button";
import { Select, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { formatCount } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Pill, type Tone } from "@/components/Pill";
import { ProgressBar } from "@/components/Progress";
import { Time } from "@/components/Time";
import { t } from "@/strings";

const MOST_OVERLAP = 50;
const TONES: Record<Task["state"], Tone> = { open: "accent", done: "good", retired: "neutral" };

interface TaskRowProps {
  task: Task;
  projectId: number;
  members: readonly Member[];
}

/** One task, and what can be changed about it while it is at work. */
export function TaskRow({ task, projectId, members }: TaskRowProps) {
  const [isOpen, setOpen] = useState(false);
  const canChange = task.state !== "retired" && task.purpose === "collect";
  return (
    <li className="grid gap-3 px-5 py-3.5">
      <div className="grid gap-x-6 gap-y-2 md:grid-cols-[minmax(0,1fr)_10rem_7rem] md:items-center">
        <Summary task={task} members={members} />
        <Judged task={task} />
        {canChange && (
          <Button
            size="small"
            aria-expanded={isOpen}
            aria-label={t.tasks.changeThis(task.prompt_excerpt)}
            onClick={() => setOpen(!isOpen)}
            className="justify-self-start md:justify-self-end"
          >
            {t.tasks.change}
          </Button>
        )}
      </div>
      {isOpen && <ChangeForm task={task} projectId={projectId} members={members} onDone={() => setOpen(false)} />}
    </li>
  );
}

function Summary({ task, members }: Omit<TaskRowProps, "projectId">) {
  const reserved = members.filter((one) => task.reserved_for.includes(one.user.id)).map((one) => one.user.name);
  return (
    <div className="grid gap-1">
      <p dir="auto" className="line-clamp-2">
        {task.prompt_excerpt}
      </p>
      <p className="text-soft flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
        <Pill tone={TONES[task.state]}>{t.tasks.states[task.state]}</Pill>
        {task.kind === "writing" && <Pill>{t.tasks.kinds.writing}</Pill>}
        {task.purpose !== "collect" && <Pill tone="warn">{t.quality.purposes[task.purpose]}</Pill>}
        {reserved.length > 0 && <Pill tone="accent">{`${t.tasks.reserve} ${reserved.join(", ")}`}</Pill>}
        <Time iso={task.created_at} />
        {task.model_versions.length > 0 && <span className="truncate">{task.model_versions.join(", ")}</span>}
      </p>
    </div>
  );
}

function Judged({ task }: { task: Task }) {
  const { judged, overlap } = task;
  if (task.purpose !== "collect") return <p className="text-soft text-sm">{formatCount(judged)}</p>;
  const text = t.tasks.judged(formatCount(judged), formatCount(overlap));
  return (
    <div className="grid gap-1">
      <p className="text-sm tabular-nums">{text}</p>
      <ProgressBar label={text} value={judged / overlap} />
    </div>
  );
}

interface ChangeFormProps extends TaskRowProps {
  onDone: () => void;
}

function ChangeForm({ task, projectId, members, onDone }: ChangeFormProps) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (to: TaskChange) => changeTask(projectId, task.id, to),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["tasks", projectId] });
      onDone();
    },
  });
  const submit = submitting((form) => {
    const person = fieldText(form, "reserved_for");
    const reserved = task.reserved_for[0] ?? null;
    const chosen = person === "" ? null : Number(person);
    change.mutate({
      overlap: Number(fieldText(form, "overlap")),
      ...(chosen !== reserved && { reserved_for: chosen }),
    });
  });
  const people = members.filter((one) => one.role !== "researcher" && !one.paused);
  const options = people.map((one) => [String(one.user.id), one.user.name] as const);
  return (
    <form onSubmit={submit} className="bg-sunken border-line grid gap-4 rounded-xl border p-4">
      <div className="grid gap-4 sm:grid-cols-[8rem_minmax(0,20rem)]">
        <TextField
          label={t.tasks.overlap}
          name="overlap"
          type="number"
          min={1}
          max={MOST_OVERLAP}
          required
          defaultValue={task.overlap}
        />
        <Select
          label={t.tasks.reserve}
          hint={t.tasks.reserveHint}
          name="reserved_for"
          defaultValue={String(task.reserved_for[0] ?? "")}
          options={[["", t.tasks.reserveNobody], ...options]}
        />
      </div>
      {change.isError && <ErrorNote error={change.error} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" size="small" busy={change.isPending}>
          {t.common.save}
        </Button>
        <Button size="small" onClick={onDone}>
          {t.common.cancel}
        </Button>
      </div>
    </form>
  );
}
