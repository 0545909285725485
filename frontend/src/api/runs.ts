import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { Run, RunProgress, RunState } from "./types";

const FINAL: readonly RunState[] = ["succeeded", "failed", "cancelled"];

export function isFinal(state: RunState): boolean {
  return FINAL.includes(state);
}

export function runsQuery(projectId: number) {
  return infiniteQueryOptions({
    queryKey: ["runs", projectId],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/runs", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 5_000,
  });
}

export function runQuery(runId: number) {
  return queryOptions({
    queryKey: ["run", runId],
    queryFn: () => body(client.GET("/api/v1/runs/{run_id}", { params: { path: { run_id: runId } } })),
    refetchInterval: ({ state }) => (state.data !== undefined && isFinal(state.data.state) ? false : 5_000),
  });
}

export function metricsQuery(runId: number) {
  return queryOptions({
    queryKey: ["run-metrics", runId],
    queryFn: () => body(client.GET("/api/v1/runs/{run_id}/metrics", { params: { path: { run_id: runId } } })),
  });
}

export function reportQuery(runId: number) {
  return queryOptions({
    queryKey: ["run-report", runId],
    queryFn: () => body(client.GET("/api/v1/runs/{run_id}/report", { params: { path: { run_id: runId } } })),
    staleTime: Infinity,
  });
}

export function gateQuery(runId: number) {
  return queryOptions({
    queryKey: ["run-gate", runId],
    queryFn: () => body(client.GET("/api/v1/runs/{run_id}/gate", { params: { path: { run_id: runId } } })),
  });
}

export function cardQuery(runId: number) {
  return queryOptions({
    queryKey: ["run-card", runId],
    queryFn: () =>
      body(client.GET("/api/v1/runs/{run_id}/card", { params: { path: { run_id: runId } }, parseAs: "text" })),
    staleTime: Infinity,
  });
}

export function reportPath(runId: number): string {
  return `/api/v1/runs/${runId}/report`;
}

export function cardPath(runId: number): string {
  return `/api/v1/runs/${runId}/card`;
}

export function runKindsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["run-kinds", projectId],
    queryFn: () =>
      body(client.GET("/api/v1/projects/{project_id}/run-kinds", { params: { path: { project_id: projectId } } })),
    staleTime: Infinity,
  });
}

/** What a run is asked for with; what is left out follows the project. */
export interface WantedRun {
  config: Record<string, unknown>;
  models?: Record<string, number>;
  text_id?: number;
  prompt_set_id?: number;
  seed?: number;
  priority?: Run["priority"];
  queue?: string;
  devices?: number;
  ignore_estimate?: boolean;
}

function bodyOf(kind: string, wanted: WantedRun) {
  return { kind, priority: "normal" as const, ignore_estimate: false, ...wanted };
}

export async function launchRun(projectId: number, kind: string, wanted: WantedRun, key: string): Promise<Run> {
  const params = { path: { project_id: projectId }, header: { "Idempotency-Key": key } };
  return body(client.POST("/api/v1/projects/{project_id}/runs", { params, body: bodyOf(kind, wanted) }));
}

/** What such a run would take; nothing is launched by asking. */
export function estimateQuery(projectId: number, kind: string, wanted: WantedRun | null) {
  return queryOptions({
    queryKey: ["run-estimate", projectId, kind, wanted],
    queryFn: () => {
      const params = { path: { project_id: projectId } };
      const asked = bodyOf(kind, wanted ?? { config: {} });
      return body(client.POST("/api/v1/projects/{project_id}/runs/estimate", { params, body: asked }));
    },
    enabled: wanted !== null,
    retry: false,
  });
}

export async function prioritiseRun(runId: number, priority: Run["priority"]): Promise<Run> {
  const params = { path: { run_id: runId } };
  return body(client.PUT("/api/v1/runs/{run_id}/priority", { params, body: { priority } }));
}

export async function cancelRun(runId: number): Promise<Run> {
  return body(client.POST("/api/v1/runs/{run_id}/cancel", { params: { path: { run_id: runId } } }));
}

export async function pauseRun(runId: number): Promise<Run> {
  return body(client.POST("/api/v1/runs/{run_id}/pause", { params: { path: { run_id: runId } } }));
}

export async function continueRun(runId: number): Promise<Run> {
  return body(client.POST("/api/v1/runs/{run_id}/continue", { params: { path: { run_id: runId } } }));
}

export interface RunSample {
  step: number | null;
  prompt: string;
  completion: string;
  score: number | null;
}
export type RunEvent =
  | { type: "state"; data: { from: RunState | null; to: RunState; who: string; text: string } }
  | { type: "progress"; data: Partial<RunProgress> }
  | { type: "metric"; data: { step: number; metrics: Record<string, number | null> } }
  | { type: "sample"; data: RunSample }
  | { type: "log"; data: { level: "info" | "warning" | "error"; text: string } }
  | { type: "checkpoint"; data: { step: number } }
  | { type: "decision"; data: { text: string } };

const EVENT_TYPES = ["state", "progress", "metric", "sample", "log", "checkpoint", "decision"] as const;

/** Follows a run from its first event; the browser reconnects by itself and goes on where it stopped. */
export function followRun(
  runId: number,
  onEvent: (event: RunEvent, seq: number) => void,
  onEnd: () => void,
): () => void {
  const source = new EventSource(`/api/v1/runs/${runId}/events`);
  for (const type of EVENT_TYPES) {
    source.addEventListener(type, (message: MessageEvent<string>) => {
      onEvent({ type, data: JSON.parse(message.data) as never }, Number(message.lastEventId));
    });
  }
  source.addEventListener("end", () => {
    source.close();
    onEnd();
  });
  return () => source.close();
}
