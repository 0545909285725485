import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { allCompletionsQuery } from "@/api/completions";
import { allItems } from "@/api/paging";
import { changeProject, projectQuery } from "@/api/projects";
import type { Completion, Role } from "@/api/types";
import { Switch } from "@/components/Field";
import { Markdown } from "@/components/Markdown";
import { MoreButton } from "@/components/MoreButton";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Segments } from "@/components/Segments";
import { Time } from "@/components/Time";
import { t } from "@/strings";

export function CompletionsPage({ projectId, role }: { projectId: number; role: Role }) {
  const [view, setView] = useState<"all" | "naming">("all");
  const completions = useInfiniteQuery(allCompletionsQuery(projectId, view === "naming"));
  const rows = allItems(completions.data);
  const words = t.quality;
  const views = [
    ["all", words.completionsAll],
    ["naming", words.completionsNaming],
  ] as const;
  return (
    <Page
      title={t.shell.completions}
      lead={words.completionsLead}
      actions={<Segments label={words.completionsShown} value={view} options={views} onChange={setView} />}
    >
      {view === "naming" && role === "admin" && <MaskSwitch projectId={projectId} />}
      <Panel flush>
        {completions.isPending && <Skeleton lines={6} />}
        {completions.isError && <ErrorNote error={completions.error} onRetry={completions.refetch} />}
        {completions.isSuccess && rows.length === 0 && (
          <EmptyState title={view === "naming" ? words.namingEmpty : words.completionsEmpty}>
            {view === "naming" ? words.namingEmptyText : words.completionsEmptyText}
          </EmptyState>
        )}
        <ul className="divide-line divide-y">
          {rows.map((completion) => (
            <Row key={completion.id} completion={completion} />
          ))}
        </ul>
        <MoreButton query={completions} />
      </Panel>
    </Page>
  );
}

function Row({ completion }: { completion: Completion }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className="grid gap-2 px-5 py-4">
      <p className="text-soft flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <Pill tone="accent">{completion.author.name}</Pill>
        {completion.role === "demonstration" && <Pill tone="good">{t.quality.demonstration}</Pill>}
        {completion.names_model && <Pill tone="warn">{t.quality.naming}</Pill>}
        <Time iso={completion.created_at} className="ms-auto" />
      </p>
      <p dir="auto" className="text-soft line-clamp-1 max-w-[75ch] text-sm">
        {completion.prompt_excerpt}
      </p>
      {isOpen ? (
        <Markdown text={completion.text} className="max-w-[75ch]" />
      ) : (
        <button
          type="button"
          onClick={() => setOpen(true)}
          aria-expanded={false}
          dir="auto"
          className="hover:text-accent line-clamp-3 max-w-[75ch] text-start wrap-anywhere"
        >
          {completion.text}
        </button>
      )}
    </li>
  );
}

function MaskSwitch({ projectId }: { projectId: number }) {
  const queries = useQueryClient();
  const project = useQuery(projectQuery(projectId));
  const change = useMutation({
    mutationFn: (mask: boolean) => changeProject(projectId, { settings: { mask_model_names: mask } }),
    onSuccess: (saved) => queries.setQueryData(projectQuery(projectId).queryKey, saved),
  });
  if (project.data === undefined) return null;
  return (
    <Panel>
      <div className="grid gap-1">
        <Switch
          label={t.quality.mask}
          checked={project.data.settings.mask_model_names}
          disabled={change.isPending}
          onChange={(mask) => change.mutate(mask)}
        />
        <p className="text-soft max-w-prose text-sm">{t.quality.maskText}</p>
        {change.isError && <ErrorNote error={change.error} />}
      </div>
    </Panel>
  );
}
