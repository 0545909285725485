import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { changeProject, projectQuery } from "@/api/projects";
import { sessionQuery } from "@/api/session";
import type { Project } from "@/api/types";
import { Button } from "@/components/Button";
import { TextArea, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

import { DeskSettings } from "./DeskSettings";
import { settingsIn } from "./form";
import { LoopSettings, SamplingSettings } from "./LoopSettings";

export function SettingsPage({ projectId }: { projectId: number }) {
  const project = useQuery(projectQuery(projectId));
  return (
    <Page title={t.shell.settings} lead={t.project.settingsLead} narrow>
      {project.isPending && <Skeleton lines={9} />}
      {project.isError && <ErrorNote error={project.error} onRetry={project.refetch} />}
      {project.data !== undefined && <SettingsForm project={project.data} />}
    </Page>
  );
}

function SettingsForm({ project }: { project: Project }) {
  const queries = useQueryClient();
  const [state, setState] = useState<"clean" | "changed" | "saved">("clean");
  const save = useMutation({
    mutationFn: (form: FormData) =>
      changeProject(project.id, {
        name: fieldText(form, "name"),
        description: fieldText(form, "description"),
        settings: settingsIn(form, project.settings),
      }),
    onSuccess: async (saved) => {
      queries.setQueryData(projectQuery(project.id).queryKey, saved);
      setState("saved");
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
  const submit = submitting((form) => save.mutate(form));
  return (
    <form onSubmit={submit} onChange={() => setState("changed")} className="grid gap-5">
      <Panel title={t.project.general}>
        <div className="grid gap-4">
          <TextField label={t.project.name} name="name" required maxLength={200} defaultValue={project.name} />
          <TextArea label={t.project.description} name="description" rows={2} defaultValue={project.description} />
        </div>
      </Panel>
      <DeskSettings settings={project.settings} />
      <SamplingSettings settings={project.settings} />
      <LoopSettings settings={project.settings} />
      <div className="border-line bg-panel shadow-float sticky bottom-3 flex flex-wrap items-center gap-3 rounded-2xl border px-5 py-3">
        <p role="status" className="text-soft mr-auto text-sm">
          {state === "saved" && !save.isError ? t.project.saved : state === "changed" ? t.project.unsaved : ""}
        </p>
        <Button type="submit" variant="primary" busy={save.isPending}>
          {t.project.save}
        </Button>
        {save.isError && (
          <div className="w-full">
            <ErrorNote error={save.error} />
          </div>
        )}
      </div>
    </form>
  );
}
