import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { PromptSet } from "./types";

export type Split = "train" | "validation" | "test";

export function promptSetsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["prompt-sets", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 100 } };
      return body(client.GET("/api/v1/projects/{project_id}/prompt-sets", { params }));
    },
  });
}

export function promptsQuery(projectId: number, split: Split | null) {
  return infiniteQueryOptions({
    queryKey: ["prompts", projectId, split],
    queryFn: ({ pageParam }) => {
      const query = { ...pageAfter(pageParam), ...(split && { split }) };
      return body(
        client.GET("/api/v1/projects/{project_id}/prompts", { params: { path: { project_id: projectId }, query } }),
      );
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}

export function completionsQuery(projectId: number, promptId: number) {
  return queryOptions({
    queryKey: ["completions", projectId, promptId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { prompt_id: promptId, limit: 50 } };
      return body(client.GET("/api/v1/projects/{project_id}/completions", { params }));
    },
  });
}

export interface Upload {
  file: File;
  name: string;
  source: string;
  licence: string;
}

/** A file with what is known of it; what nobody said is left out. */
export function formOf(upload: Upload): FormData {
  const form = new FormData();
  form.set("file", upload.file, upload.file.name);
  for (const field of ["name", "source", "licence"] as const) {
    if (upload[field].trim() !== "") form.set(field, upload[field].trim());
  }
  return form;
}

/** Sends the file; the answer reports what it holds, and nothing is added yet. */
export async function uploadPromptSet(projectId: number, upload: Upload): Promise<PromptSet> {
  const request = client.POST("/api/v1/projects/{project_id}/prompt-sets", {
    params: { path: { project_id: projectId } },
    body: { file: upload.file.name },
    bodySerializer: () => formOf(upload),
  });
  return body(request);
}

export async function decidePromptSet(
  projectId: number,
  promptSetId: number,
  decision: "accept" | "discard",
): Promise<PromptSet> {
  const params = { path: { project_id: projectId, prompt_set_id: promptSetId } };
  return body(
    decision === "accept"
      ? client.POST("/api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}/accept", { params })
      : client.POST("/api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}/discard", { params }),
  );
}

export function promptSetErrorsQuery(projectId: number, promptSetId: number) {
  return infiniteQueryOptions({
    queryKey: ["prompt-set-errors", projectId, promptSetId],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId, prompt_set_id: promptSetId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/prompt-sets/{prompt_set_id}/errors", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}
