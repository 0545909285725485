import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { guidelinesQuery } from "@/api/guidelines";
import type { Guidelines } from "@/api/types";
import { Button } from "@/components/Button";
import { TextArea } from "@/components/Field";
import { formatWhen } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { EmptyState, ErrorNote, Notice, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Segments } from "@/components/Segments";
import { TextDiff } from "@/components/TextDiff";
import { t } from "@/strings";

import { Conflict } from "./Conflict";
import { useWriting, type Writing } from "./useWriting";
import { Versions } from "./Versions";

const VIEWS = ["preview", "changes", "versions"] as const;

export function GuidelinesPage({ projectId }: { projectId: number }) {
  const guidelines = useQuery({ ...guidelinesQuery(projectId), refetchOnWindowFocus: false });
  return (
    <Page title={t.guidelines.title} lead={t.guidelines.lead}>
      {guidelines.isPending && <Skeleton lines={9} />}
      {guidelines.isError && <ErrorNote error={guidelines.error} onRetry={guidelines.refetch} />}
      {guidelines.data !== undefined && <Editor projectId={projectId} current={guidelines.data} />}
    </Page>
  );
}

function Editor({ projectId, current }: { projectId: number; current: Guidelines }) {
  const writing = useWriting(projectId, current);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        writing.save();
      }}
      className="grid gap-5"
    >
      {writing.theirs !== null && <Conflict writing={writing} theirs={writing.theirs} />}
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <TextArea
          label={t.guidelines.text}
          placeholder={t.guidelines.placeholder}
          value={writing.text}
          onChange={(event) => writing.write(event.target.value)}
          dir="auto"
          className="[&_textarea]:field-sizing-content [&_textarea]:max-h-[calc(100dvh-16rem)] [&_textarea]:min-h-80 [&_textarea]:py-3"
        />
        <Beside projectId={projectId} writing={writing} />
      </div>
      <SaveBar writing={writing} current={current} />
    </form>
  );
}

function Beside({ projectId, writing }: { projectId: number; writing: Writing }) {
  const [view, setView] = useState<(typeof VIEWS)[number]>("preview");
  return (
    <div className="grid min-w-0 gap-2 lg:-mt-2">
      <Segments
        label={t.guidelines.views}
        value={view}
        options={VIEWS.map((one) => [one, t.guidelines[one]] as const)}
        onChange={setView}
        className="justify-self-start"
      />
      <Panel flush={view === "versions"}>
        {view === "preview" && <Preview text={writing.text} />}
        {view === "changes" && <TextDiff before={writing.basis.text} after={writing.text} />}
        {view === "versions" && <Versions projectId={projectId} onRestore={writing.write} />}
      </Panel>
    </div>
  );
}

function Preview({ text }: { text: string }) {
  if (text.trim() !== "") return <Markdown text={text} />;
  return <EmptyState title={t.guidelines.emptyTitle}>{t.guidelines.emptyText}</EmptyState>;
}

function SaveBar({ writing, current }: { writing: Writing; current: Guidelines }) {
  return (
    <div className="border-line bg-panel shadow-float sticky bottom-3 z-30 grid gap-3 rounded-2xl border px-5 py-3">
      {writing.said?.kind === "merged" && (
        <Notice tone={writing.said.conflicts === 0 ? "good" : "warn"} role="status">
          <p>{t.guidelines.merged(writing.said.conflicts)}</p>
        </Notice>
      )}
      {writing.error !== null && writing.error !== undefined && <ErrorNote error={writing.error} />}
      <div className="flex flex-wrap items-center gap-3">
        <p role="status" className="text-soft me-auto text-sm">
          {status(writing, current)}
        </p>
        {writing.isChanged && writing.theirs === null && (
          <Button variant="quiet" onClick={writing.discard}>
            {t.guidelines.discard}
          </Button>
        )}
        <Button
          type="submit"
          variant="primary"
          busy={writing.isSaving}
          disabled={!writing.isChanged || writing.theirs !== null}
        >
          {t.guidelines.save}
        </Button>
      </div>
    </div>
  );
}

function status({ said, isChanged }: Writing, current: Guidelines): string {
  if (said?.kind === "saved") return t.guidelines.saved(said.number);
  if (said?.kind === "restored") return t.guidelines.restored;
  if (isChanged) return t.guidelines.unsaved;
  if (current.number === null || current.created_at === null) return t.guidelines.none;
  const who = current.created_by ?? t.guidelines.service;
  return t.guidelines.current(current.number, who, formatWhen(current.created_at));
}
