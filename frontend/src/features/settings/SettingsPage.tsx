import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type RefObject, useRef, useState } from "react";

import { changeProject, projectQuery } from "@/api/projects";
import { sessionQuery } from "@/api/session";
import type { Project, ProjectSettings } from "@/api/types";
import { Button, buttonClass } from "@/components/Button";
import { cx } from "@/components/cx";
import { TextArea, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Page } from "@/components/Page";
import { t } from "@/strings";

import { DeskPreview } from "./DeskPreview";
import { askedIn, type Lists, listsOf, settingsIn } from "./form";
import { LoopSettings, SamplingSettings } from "./LoopSettings";
import { Questions } from "./Questions";
import { Section } from "./Section";
import { WorkSettings } from "./WorkSettings";

export function SettingsPage({ projectId }: { projectId: number }) {
  const project = useQuery({ ...projectQuery(projectId), refetchOnWindowFocus: false });
  return (
    <Page title={t.shell.settings} lead={t.settings.lead}>
      {project.isPending && <Skeleton lines={9} />}
      {project.isError && <ErrorNote error={project.error} onRetry={project.refetch} />}
      {project.data !== undefined && <SettingsForm project={project.data} />}
    </Page>
  );
}

/** What the form says at this moment, and what the desk would ask by it. */
function useAsked(settings: ProjectSettings, form: RefObject<HTMLFormElement | null>) {
  const [lists, setLists] = useState(() => listsOf(settings));
  const [asked, setAsked] = useState(settings);
  const read = (now: Lists) => {
    if (form.current !== null) setAsked(askedIn(new FormData(form.current), now, settings));
  };
  const changeList = (change: Partial<Lists>) => {
    const after = { ...lists, ...change };
    setLists(after);
    read(after);
  };
  return { lists, asked, changeList, read: () => read(lists) };
}

function SettingsForm({ project }: { project: Project }) {
  const queries = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const [state, setState] = useState<"clean" | "changed" | "saved">("clean");
  const { lists, asked, changeList, read } = useAsked(project.settings, form);
  const save = useMutation({
    mutationFn: (data: FormData) =>
      changeProject(project.id, {
        name: fieldText(data, "name"),
        description: fieldText(data, "description"),
        settings: settingsIn(data, lists, project.settings),
      }),
    onSuccess: async (saved) => {
      queries.setQueryData(projectQuery(project.id).queryKey, saved);
      setState("saved");
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
  const change = () => {
    setState("changed");
    read();
  };
  return (
    <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,36rem)_minmax(0,1fr)]">
      <form
        ref={form}
        id="settings"
        onSubmit={submitting((data) => save.mutate(data))}
        onChange={change}
        className="grid min-w-0 gap-5"
      >
        <General project={project} />
        <Questions
          settings={project.settings}
          onList={(lists) => {
            setState("changed");
            changeList(lists);
          }}
        />
        <WorkSettings projectId={project.id} settings={project.settings} />
        <SamplingSettings settings={project.settings} />
        <LoopSettings settings={project.settings} />
      </form>
      <DeskPreview settings={asked} />
      <div className="border-line bg-panel shadow-float sticky bottom-3 z-30 flex flex-wrap items-center gap-3 rounded-2xl border px-5 py-3 xl:col-start-1">
        <p role="status" className="text-soft me-auto text-sm">
          {state === "saved" && !save.isError ? t.settings.saved : state === "changed" ? t.settings.unsaved : ""}
        </p>
        <a href="#preview" className={cx(buttonClass("quiet"), "xl:hidden")}>
          {t.settings.toPreview}
        </a>
        <Button type="submit" form="settings" variant="primary" busy={save.isPending}>
          {t.settings.save}
        </Button>
        {save.isError && (
          <div className="w-full">
            <ErrorNote error={save.error} />
          </div>
        )}
      </div>
    </div>
  );
}

function General({ project }: { project: Project }) {
  return (
    <Section title={t.settings.general}>
      <TextField label={t.settings.name} name="name" required maxLength={200} defaultValue={project.name} />
      <TextArea label={t.settings.description} name="description" rows={2} defaultValue={project.description} />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <p className="text-soft min-w-48 flex-1 text-sm">{t.settings.guidelines}</p>
        <Link
          to="/p/$projectId/guidelines"
          params={{ projectId: project.id }}
          className={buttonClass("plain", "small")}
        >
          {t.settings.openGuidelines}
        </Link>
      </div>
    </Section>
  );
}
