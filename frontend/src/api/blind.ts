import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import type { BlindComparison } from "./types";

export interface BlindWish {
  candidate_id: number;
  rival_id: number | null;
  prompts: number;
}

export function blindComparisonsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["blind", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 10 } };
      return body(client.GET("/api/v1/projects/{project_id}/blind-comparisons", { params }));
    },
    refetchInterval: 10_000,
  });
}

/** Those of the policy that a run evaluated. */
export function blindComparisonsOfRunQuery(runId: number) {
  return queryOptions({
    queryKey: ["blind-of-run", runId],
    queryFn: () => body(client.GET("/api/v1/runs/{run_id}/blind-comparisons", { params: { path: { run_id: runId } } })),
  });
}

export async function askBlindly(projectId: number, key: string, wish: BlindWish): Promise<BlindComparison> {
  const params = { path: { project_id: projectId }, header: { "Idempotency-Key": key } };
  return body(client.POST("/api/v1/projects/{project_id}/blind-comparisons", { params, body: wish }));
}

export async function stopAsking(projectId: number, comparisonId: number): Promise<BlindComparison> {
  const params = { path: { project_id: projectId, comparison_id: comparisonId } };
  return body(client.POST("/api/v1/projects/{project_id}/blind-comparisons/{comparison_id}/cancel", { params }));
}
