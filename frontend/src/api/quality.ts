/** What admins look after: reported prompts, and tasks whose right order is known. */
import { infiniteQueryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { KnownPurpose, NewKnownAnswer, ReportOutcome } from "./types";

export function reportsQuery(projectId: number, open: boolean) {
  return infiniteQueryOptions({
    queryKey: ["reports", projectId, open],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: { ...pageAfter(pageParam), open } };
      return body(client.GET("/api/v1/projects/{project_id}/reports", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}

export async function resolveReport(projectId: number, reportId: number, outcome: ReportOutcome): Promise<void> {
  const params = { path: { project_id: projectId, report_id: reportId } };
  const path = "/api/v1/projects/{project_id}/reports/{report_id}/resolution";
  await body(client.POST(path, { params, body: { outcome } }));
}

export function knownAnswersQuery(projectId: number, purpose: KnownPurpose) {
  return infiniteQueryOptions({
    queryKey: ["known-answers", projectId, purpose],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: { ...pageAfter(pageParam), purpose } };
      return body(client.GET("/api/v1/projects/{project_id}/known-answers", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}

export async function makeKnownAnswer(projectId: number, answer: NewKnownAnswer): Promise<void> {
  const params = { path: { project_id: projectId } };
  await body(client.POST("/api/v1/projects/{project_id}/known-answers", { params, body: answer }));
}

export async function retireKnownAnswer(projectId: number, taskId: number): Promise<void> {
  const params = { path: { project_id: projectId, task_id: taskId } };
  await body(client.DELETE("/api/v1/projects/{project_id}/known-answers/{task_id}", { params }));
}

export async function resetPractice(projectId: number, userId: number): Promise<void> {
  const params = { path: { project_id: projectId, user_id: userId } };
  await body(client.POST("/api/v1/projects/{project_id}/members/{user_id}/practice-reset", { params }));
}
