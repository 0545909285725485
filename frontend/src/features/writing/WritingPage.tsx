import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { hasStatus } from "@/api/problem";
import { projectQuery } from "@/api/projects";
import { Button, buttonClass } from "@/components/Button";
import { ErrorNote, Notice, Skeleton } from "@/components/Notice";
import { GuidelinesPanel } from "@/features/ranking/GuidelinesPanel";
import { useGuidelines } from "@/features/ranking/useGuidelines";
import { useOnline } from "@/features/ranking/useOnline";
import { t } from "@/strings";

import { useWriter } from "./useWriter";
import type { WriterState } from "./writer";
import { WritingBench } from "./WritingBench";

/** Prompts to answer, one after the other. */
export function WritingPage({ userId, projectId }: { userId: number; projectId: number }) {
  const project = useQuery(projectQuery(projectId));
  const [writer, state] = useWriter(userId, projectId);
  const [guidelinesOpen, setGuidelinesOpen] = useState(false);
  const current = state.deck[0];
  const guidelines = useGuidelines(projectId, current?.guideline.number ?? null);
  return (
    <div className="flex min-h-full flex-1">
      <title>{`${t.desk.writing.title} · Plackett`}</title>
      <div className="flex min-w-0 flex-1 flex-col">
        <header className="mx-auto flex w-full max-w-[110rem] flex-wrap items-center gap-x-4 gap-y-1 px-4 pt-3 pb-2 sm:px-7">
          <h1 className="text-base font-semibold">{t.desk.writing.title}</h1>
          <p className="text-soft me-auto text-sm">
            {project.data?.name}
            {state.today !== null && ` · ${t.desk.writing.today(state.today)}`}
          </p>
          <Link to="/p/$projectId/desk" params={{ projectId }} className={buttonClass("quiet", "small")}>
            {t.desk.writing.toRanking}
          </Link>
          <Button
            variant="quiet"
            size="small"
            aria-expanded={guidelinesOpen}
            onClick={() => setGuidelinesOpen(!guidelinesOpen)}
          >
            {t.desk.guidelines}
          </Button>
        </header>
        <Notices state={state} onRetry={() => writer.start()} />
        {current === undefined ? (
          <Nothing state={state} />
        ) : (
          <WritingBench
            key={current.id}
            userId={userId}
            assignment={current}
            done={state.done}
            onSubmit={(key, demonstration) => writer.submit(current, key, demonstration)}
            onSkip={() => writer.skip(current, null)}
            onSignedOut={writer.failed}
          />
        )}
      </div>
      {guidelinesOpen && <GuidelinesPanel guidelines={guidelines} onClose={() => setGuidelinesOpen(false)} />}
    </div>
  );
}

function Notices({ state, onRetry }: { state: WriterState; onRetry: () => void }) {
  const isOnline = useOnline();
  const isUnanswered = hasStatus(state.error, 0);
  const isCut = !isOnline || state.isRetrying || isUnanswered;
  return (
    <div className="mx-auto grid w-full max-w-[110rem] gap-2 px-4 not-empty:pb-3 sm:px-7">
      {isCut && (
        <Notice tone="warn" role="status">
          <p>
            {isOnline ? t.desk.work.unreachable : t.desk.work.offline} {t.desk.work.kept(state.unsent)}
          </p>
        </Notice>
      )}
      {!state.isSafe && (
        <Notice tone="bad" role="alert">
          <p>{t.desk.work.unsafe(state.unsent)}</p>
        </Notice>
      )}
      {state.error !== null && !isUnanswered && <ErrorNote error={state.error} onRetry={onRetry} />}
    </div>
  );
}

function Nothing({ state: { waiting, error } }: { state: WriterState }) {
  if (waiting === null) return error === null && <Skeleton lines={9} className="px-7" />;
  return (
    <section role="status" className="mx-auto grid w-full max-w-lg content-center gap-3 px-5 py-24 text-center">
      <h2 className="text-xl font-semibold tracking-tight">{t.desk.writing.waiting[waiting.reason]}</h2>
      <p className="text-soft">{waiting.text}</p>
    </section>
  );
}
