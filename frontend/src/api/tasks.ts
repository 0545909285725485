/** A project's tasks as its admin sees them. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { TaskChange } from "./types";

export function tasksQuery(projectId: number) {
  return infiniteQueryOptions({
    queryKey: ["tasks", projectId],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/tasks", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** Gives many tasks another overlap; answers how many it changed. */
export async function changeOverlap(projectId: number, overlap: number, which: "open" | "all"): Promise<number> {
  const params = { path: { project_id: projectId } };
  const { changed } = await body(
    client.PATCH("/api/v1/projects/{project_id}/tasks", { params, body: { overlap, which } }),
  );
  return changed;
}

export async function changeTask(projectId: number, taskId: number, change: TaskChange): Promise<void> {
  const params = { path: { project_id: projectId, task_id: taskId } };
  await body(client.PATCH("/api/v1/projects/{project_id}/tasks/{task_id}", { params, body: change }));
}

export function writingSummaryQuery(projectId: number) {
  return queryOptions({
    queryKey: ["writing-summary", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId } };
      return body(client.GET("/api/v1/projects/{project_id}/writing-tasks/summary", { params }));
    },
  });
}

interface WritingWanted {
  count: number;
  overlap: number;
  promptSetId: number | null;
}

/** Opens writing tasks on prompts that have none; answers how many there were to open. */
export async function openWritingTasks(projectId: number, wanted: WritingWanted): Promise<number> {
  const params = { path: { project_id: projectId } };
  const { count, overlap, promptSetId } = wanted;
  const request = { count, overlap, ...(promptSetId !== null && { prompt_set_id: promptSetId }) };
  const { opened } = await body(client.POST("/api/v1/projects/{project_id}/writing-tasks", { params, body: request }));
  return opened;
}
