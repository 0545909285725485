import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { isFinal, metricsQuery, runQuery } from "@/api/runs";
import type { Run, RunProgress, RunState } from "@/api/types";
import type { Points } from "@/components/Chart";
import { cx } from "@/components/cx";
import { ErrorNote, Notice, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { RunProgressLine } from "@/components/RunProgressLine";
import { t } from "@/strings";

import { Curves } from "./Curves";
import { PriorityChoice } from "./PriorityChoice";
import { Report } from "./report/Report";
import { RunActions } from "./RunActions";
import { RunFacts } from "./RunFacts";
import { Samples } from "./Samples";
import { StatePill } from "./StatePill";
import { type LogLine, useRunStory } from "./useRunStory";
import { waitingText } from "./waiting";

/** States in which a run has a place in line. */
const LINED_UP: readonly RunState[] = ["queued", "paused"];

export function RunPage({ runId }: { runId: number }) {
  const run = useQuery(runQuery(runId));
  const metrics = useQuery(metricsQuery(runId));
  const [round, setRound] = useState(0);
  const story = useRunStory(runId, round);
  if (run.isError) {
    return (
      <Page title={t.shell.runs}>
        <ErrorNote error={run.error} onRetry={run.refetch} />
      </Page>
    );
  }
  if (run.data === undefined) return <Skeleton lines={8} />;
  const series: Record<string, Points> = { ...asPoints(metrics.data?.series), ...story.series };
  return (
    <Page
      title={t.runs.title(run.data.kind, runId)}
      actions={
        <>
          <StatePill state={run.data.state} />
          <RunActions run={run.data} onContinued={() => setRound(round + 1)} />
        </>
      }
    >
      <Outcome run={run.data} />
      {!isFinal(run.data.state) && (
        <Panel>
          <RunProgressLine
            label={t.runs.title(run.data.kind, runId)}
            progress={waiting(run.data) ?? atWork(run.data, story.progress)}
          />
          {LINED_UP.includes(run.data.state) && (
            <div className="pt-4">
              <PriorityChoice run={run.data} />
            </div>
          )}
        </Panel>
      )}
      {run.data.state === "succeeded" && <Report runId={runId} />}
      <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid min-w-0 gap-5">
          {(!isFinal(run.data.state) || Object.keys(series).length > 0) && <Curves series={series} />}
          <Samples samples={story.samples} />
          <Log lines={story.log} />
        </div>
        <RunFacts run={run.data} />
      </div>
    </Page>
  );
}

/** What is said instead of how far the run is, in states in which nothing moves. */
function waiting({ state, waiting: why }: Run): { text: string } | undefined {
  const texts: Partial<Record<RunState, string>> = {
    queued: why == null ? t.runs.queuedText : waitingText(why),
    pausing: t.runs.pausingText,
    paused: t.runs.pausedText,
  };
  const text = texts[state];
  return text === undefined ? undefined : { text };
}

/** How far it is; how long the rest takes only while somebody works on it. */
function atWork(run: Run, told: Partial<RunProgress> | null): Partial<RunProgress> {
  const progress = told ?? run.progress;
  return run.state === "running" ? progress : { ...progress, seconds_left: null };
}

/** The schema has lists where the figures are pairs of step and value. */
function asPoints(series: Record<string, (number | null)[][]> = {}): Record<string, Points> {
  return Object.fromEntries(
    Object.entries(series).map(([name, pairs]) => [
      name,
      pairs.map(([step, value]) => [step ?? 0, value ?? null] as const),
    ]),
  );
}

function Outcome({ run }: { run: Run }) {
  return (
    <>
      {run.state === "failed" && (
        <Notice tone="bad" role="alert" title={run.error ?? run.reason}>
          {run.advice !== null && <p>{run.advice}</p>}
        </Notice>
      )}
      {run.notice !== null && (
        <Notice tone="warn" role="status">
          <p>{run.notice}</p>
        </Notice>
      )}
      {run.state === "succeeded" && run.model_version_id !== null && (
        <Notice tone="good">
          <p>
            {`${t.runs.model}: `}
            <Link
              to="/p/$projectId/models"
              params={{ projectId: run.project_id }}
              search={{ model: run.model_version_id }}
              className="text-accent font-semibold underline underline-offset-2"
            >
              {`#${run.model_version_id}`}
            </Link>
          </p>
        </Notice>
      )}
    </>
  );
}

const LEVELS: Record<LogLine["level"], string> = { info: "", warning: "text-warn", error: "text-bad" };

function Log({ lines }: { lines: readonly LogLine[] }) {
  return (
    <Panel title={t.runs.log}>
      {lines.length === 0 ? (
        <p className="text-soft">{t.runs.noLog}</p>
      ) : (
        <ol
          tabIndex={0}
          aria-label={t.runs.log}
          className="bg-sunken border-line grid max-h-96 overflow-y-auto rounded-xl border px-4 py-3 font-mono text-sm leading-6"
        >
          {lines.map((line) => (
            <li key={line.seq} className={cx("wrap-anywhere whitespace-pre-wrap", LEVELS[line.level])}>
              {line.text}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
