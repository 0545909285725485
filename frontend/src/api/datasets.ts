import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";

export type Format = "jsonl" | "parquet";

export function summaryQuery(projectId: number) {
  return queryOptions({
    queryKey: ["comparisons-summary", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId } };
      return body(client.GET("/api/v1/projects/{project_id}/comparisons/summary", { params }));
    },
  });
}

export function snapshotsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["snapshots", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 50 } };
      return body(client.GET("/api/v1/projects/{project_id}/dataset-snapshots", { params }));
    },
  });
}

export function textsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["texts", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 100 } };
      return body(client.GET("/api/v1/projects/{project_id}/texts", { params }));
    },
  });
}

export function comparisonsPath(projectId: number, format: Format): string {
  return `/api/v1/projects/${projectId}/comparisons?format=${format}`;
}
