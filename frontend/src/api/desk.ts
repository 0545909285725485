import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { Assignment, Claim, Draft, NewRanking, Receipt, ReportReason, SkipReason } from "./types";

export async function claimTask(projectId: number, holding: number[]): Promise<Claim> {
  const path = { project_id: projectId };
  return body(client.POST("/api/v1/projects/{project_id}/tasks/claim", { params: { path }, body: { holding } }));
}

export async function saveDraft(assignmentId: number, draft: Draft): Promise<void> {
  const path = { assignment_id: assignmentId };
  await body(client.PUT("/api/v1/assignments/{assignment_id}/draft", { params: { path }, body: draft }));
}

export async function renewLease(assignmentId: number): Promise<{ leased_until: string }> {
  const path = { assignment_id: assignmentId };
  return body(client.POST("/api/v1/assignments/{assignment_id}/heartbeat", { params: { path } }));
}

export async function submitRanking(assignmentId: number, key: string, ranking: NewRanking): Promise<Receipt> {
  const params = { path: { assignment_id: assignmentId }, header: { "Idempotency-Key": key } };
  return body(client.POST("/api/v1/assignments/{assignment_id}/ranking", { params, body: ranking }));
}

export async function skipTask(assignmentId: number, reason: SkipReason | null): Promise<void> {
  const path = { assignment_id: assignmentId };
  // The request outlives the page, so that closing it right after a skip loses nothing.
  const request = { params: { path }, body: { reason }, keepalive: true };
  await body(client.POST("/api/v1/assignments/{assignment_id}/skip", request));
}

export async function reopenTask(assignmentId: number): Promise<Assignment> {
  const path = { assignment_id: assignmentId };
  return body(client.POST("/api/v1/assignments/{assignment_id}/reopen", { params: { path } }));
}

export async function reportPrompt(assignmentId: number, reason: ReportReason, note: string): Promise<void> {
  const path = { assignment_id: assignmentId };
  await body(client.POST("/api/v1/assignments/{assignment_id}/report", { params: { path }, body: { reason, note } }));
}

export function myProgressQuery(projectId: number) {
  return queryOptions({
    queryKey: ["my-progress", projectId],
    queryFn: () =>
      body(client.GET("/api/v1/projects/{project_id}/my-progress", { params: { path: { project_id: projectId } } })),
  });
}

export function myRankingsQuery(projectId: number) {
  return infiniteQueryOptions({
    queryKey: ["my-rankings", projectId],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/my-rankings", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}
