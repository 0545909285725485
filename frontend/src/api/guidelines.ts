import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { GuidelineVersion } from "./types";

/** The project's guidelines as they are now, and which version this person saw last. */
export function guidelinesQuery(projectId: number) {
  return queryOptions({
    queryKey: ["guidelines", projectId],
    queryFn: () =>
      body(client.GET("/api/v1/projects/{project_id}/guidelines", { params: { path: { project_id: projectId } } })),
    staleTime: 60_000,
  });
}

/** Every version, newest first, without their texts. */
export function guidelineVersionsQuery(projectId: number) {
  return infiniteQueryOptions({
    queryKey: ["guideline-versions", projectId],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/guidelines/versions", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** One version; it never changes. */
export function guidelineVersionQuery(projectId: number, number: number) {
  const path = { project_id: projectId, number };
  return queryOptions({
    queryKey: ["guideline-version", projectId, number],
    queryFn: () => body(client.GET("/api/v1/projects/{project_id}/guidelines/versions/{number}", { params: { path } })),
    staleTime: Infinity,
  });
}

/** Saves a new version on top of the one it was written from; refused when there is a newer one. */
export async function saveGuidelines(projectId: number, text: string, basis: number | null): Promise<GuidelineVersion> {
  const path = { project_id: projectId };
  return body(client.PUT("/api/v1/projects/{project_id}/guidelines", { params: { path }, body: { text, basis } }));
}

export async function markGuidelinesSeen(projectId: number, number: number): Promise<void> {
  const path = { project_id: projectId };
  await body(client.POST("/api/v1/projects/{project_id}/guidelines/seen", { params: { path }, body: { number } }));
}
