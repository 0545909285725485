import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import type { Cycle, ModelVersion } from "./types";

export function loopQuery(projectId: number) {
  return queryOptions({
    queryKey: ["loop", projectId],
    queryFn: () =>
      body(client.GET("/api/v1/projects/{project_id}/loop", { params: { path: { project_id: projectId } } })),
    refetchInterval: 4_000,
  });
}

export function cyclesQuery(projectId: number) {
  return queryOptions({
    queryKey: ["cycles", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 20 } };
      return body(client.GET("/api/v1/projects/{project_id}/cycles", { params }));
    },
  });
}

export async function startCycle(projectId: number, key: string): Promise<Cycle> {
  const params = { path: { project_id: projectId }, header: { "Idempotency-Key": key } };
  return body(client.POST("/api/v1/projects/{project_id}/cycles", { params }));
}

export async function cancelCycle(cycleId: number): Promise<Cycle> {
  return body(client.POST("/api/v1/cycles/{cycle_id}/cancel", { params: { path: { cycle_id: cycleId } } }));
}

export async function decidePromotion(cycleId: number, accept: boolean): Promise<Cycle> {
  const params = { path: { cycle_id: cycleId } };
  return body(client.POST("/api/v1/cycles/{cycle_id}/promotion", { params, body: { accept } }));
}

export async function goBackTo(projectId: number, modelVersionId: number): Promise<ModelVersion> {
  const params = { path: { project_id: projectId } };
  const way = { model_version_id: modelVersionId };
  return body(client.POST("/api/v1/projects/{project_id}/rollback", { params, body: way }));
}
