import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import type { Drift } from "./types";

const WHILE_MEASURED_MS = 5_000;

export function driftQuery(projectId: number) {
  return queryOptions({
    queryKey: ["drift", projectId],
    queryFn: () =>
      body(client.GET("/api/v1/projects/{project_id}/drift", { params: { path: { project_id: projectId } } })),
    refetchInterval: ({ state }: { state: { data: Drift | undefined } }) =>
      (state.data?.measuring.length ?? 0) > 0 ? WHILE_MEASURED_MS : false,
  });
}

export function sideBySideQuery(projectId: number, versionId: number, besideId: number) {
  return queryOptions({
    queryKey: ["drift", projectId, versionId, besideId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { version_id: versionId, beside_id: besideId } };
      return body(client.GET("/api/v1/projects/{project_id}/drift/completions", { params }));
    },
  });
}

/** Let every version answer the reference prompts that has not. */
export async function measureDrift(projectId: number): Promise<number[]> {
  const params = { path: { project_id: projectId } };
  return (await body(client.POST("/api/v1/projects/{project_id}/drift", { params }))).run_ids;
}
