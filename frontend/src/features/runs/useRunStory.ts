import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useReducer } from "react";

import { followRun, metricsQuery, type RunEvent, runQuery, type RunSample } from "@/api/runs";
import type { RunProgress } from "@/api/types";
import type { Points } from "@/components/Chart";

export interface LogLine {
  seq: number;
  level: "info" | "warning" | "error";
  text: string;
}

export interface RunStory {
  seen: number;
  series: Readonly<Record<string, Points>>;
  samples: readonly (RunSample & { seq: number })[];
  log: readonly LogLine[];
  progress: Partial<RunProgress> | null;
}

export const NO_STORY: RunStory = { seen: 0, series: {}, samples: [], log: [], progress: null };

interface Happened {
  seq: number;
  event: RunEvent;
}

function withMetrics(
  series: RunStory["series"],
  step: number,
  metrics: Record<string, number | null>,
): RunStory["series"] {
  const changed = Object.entries(metrics).map(([name, value]): [string, Points] => {
    // A resumed run reports some steps again: the newer figure replaces the older one.
    const before = (series[name] ?? []).filter(([at]) => at < step);
    return [name, [...before, [step, value]]];
  });
  return { ...series, ...Object.fromEntries(changed) };
}

/** The story with one more event; an event that came before is passed over. */
export function told(story: RunStory, { seq, event }: Happened): RunStory {
  if (seq <= story.seen) return story;
  const next = { ...story, seen: seq };
  switch (event.type) {
    case "metric":
      return { ...next, series: withMetrics(story.series, event.data.step, event.data.metrics) };
    case "sample":
      return { ...next, samples: [...story.samples, { ...event.data, seq }] };
    case "progress":
      return { ...next, progress: event.data };
    case "log":
      return { ...next, log: [...story.log, { seq, ...event.data }] };
    case "state":
    case "decision":
      return { ...next, log: [...story.log, { seq, level: "info", text: event.data.text }] };
    default:
      return next;
  }
}

/** A run's events from the first, live; a change of state also fetches the run anew.
 *  The stream of a cancelled run has ended: where it is continued, another `round` listens again. */
export function useRunStory(runId: number, round = 0): RunStory {
  const [story, tell] = useReducer(told, NO_STORY);
  const queries = useQueryClient();
  useEffect(() => {
    const refetch = () => {
      void queries.invalidateQueries({ queryKey: runQuery(runId).queryKey });
      void queries.invalidateQueries({ queryKey: metricsQuery(runId).queryKey });
    };
    const stop = followRun(
      runId,
      (event, seq) => {
        tell({ event, seq });
        if (event.type === "state") refetch();
      },
      refetch,
    );
    return stop;
  }, [runId, round, queries]);
  return story;
}
