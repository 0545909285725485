/** Addresses that are told of a project's events. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";
import type { NewSecret, NewWebhook, WebhookChange } from "./types";

const SOON_MS = 2000;

export function webhooksQuery(projectId: number) {
  return queryOptions({
    queryKey: ["webhooks", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 200 } };
      return body(client.GET("/api/v1/projects/{project_id}/webhooks", { params }));
    },
  });
}

/** A webhook's messages; asked again soon while one has not been tried yet. */
export function messagesQuery(projectId: number, webhookId: number) {
  return infiniteQueryOptions({
    queryKey: ["webhooks", projectId, webhookId, "messages"],
    queryFn: ({ pageParam }) => {
      const params = { path: { project_id: projectId, webhook_id: webhookId }, query: pageAfter(pageParam) };
      return body(client.GET("/api/v1/projects/{project_id}/webhooks/{webhook_id}/messages", { params }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: (query) => {
      const newest = query.state.data?.pages.flatMap((page) => page.items) ?? [];
      return newest.some((one) => one.state === "waiting" && one.status === null && one.error === null)
        ? SOON_MS
        : false;
    },
  });
}

export async function addWebhook(projectId: number, webhook: NewWebhook): Promise<NewSecret> {
  const params = { path: { project_id: projectId } };
  return body(client.POST("/api/v1/projects/{project_id}/webhooks", { params, body: webhook }));
}

export async function changeWebhook(projectId: number, webhookId: number, change: WebhookChange): Promise<void> {
  const params = { path: { project_id: projectId, webhook_id: webhookId } };
  await body(client.PATCH("/api/v1/projects/{project_id}/webhooks/{webhook_id}", { params, body: change }));
}

export async function rotateSecret(projectId: number, webhookId: number): Promise<NewSecret> {
  const params = { path: { project_id: projectId, webhook_id: webhookId } };
  return body(client.POST("/api/v1/projects/{project_id}/webhooks/{webhook_id}/secret", { params }));
}

export async function testWebhook(projectId: number, webhookId: number): Promise<void> {
  const params = { path: { project_id: projectId, webhook_id: webhookId } };
  await body(client.POST("/api/v1/projects/{project_id}/webhooks/{webhook_id}/test", { params }));
}
