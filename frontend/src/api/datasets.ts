import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { formOf, type Upload } from "./prompts";
import type { RawText } from "./types";

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

/** Keeps a raw text; the same text again is the one that is there. */
export async function uploadText(projectId: number, upload: Upload): Promise<RawText> {
  const request = client.POST("/api/v1/projects/{project_id}/texts", {
    params: { path: { project_id: projectId } },
    body: { file: upload.file.name },
    bodySerializer: () => formOf(upload),
  });
  return body(request);
}

export function comparisonsPath(projectId: number, format: Format): string {
  return `/api/v1/projects/${projectId}/comparisons?format=${format}`;
}
