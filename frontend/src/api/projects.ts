import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { Project } from "./types";

export function projectQuery(projectId: number) {
  return queryOptions({
    queryKey: ["project", projectId],
    queryFn: () => body(client.GET("/api/v1/projects/{project_id}", { params: { path: { project_id: projectId } } })),
    staleTime: 60_000,
  });
}

interface ProjectChange {
  name?: string;
  description?: string;
  settings?: Record<string, unknown>;
}

export async function changeProject(projectId: number, change: ProjectChange): Promise<Project> {
  const params = { path: { project_id: projectId } };
  const request = { settings: {}, ...change };
  return body(client.PATCH("/api/v1/projects/{project_id}", { params, body: request }));
}

export async function createProject(name: string, description: string): Promise<Project> {
  return body(client.POST("/api/v1/projects", { body: { name, description, settings: {} } }));
}

export function auditQuery(projectId: number) {
  return infiniteQueryOptions({
    queryKey: ["audit", projectId],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/audit-events", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}
