import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import type { IssuedInvitation, IssuedToken, Role, Scope } from "./types";

export function membersQuery(projectId: number) {
  return queryOptions({
    queryKey: ["members", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 200 } };
      return body(client.GET("/api/v1/projects/{project_id}/members", { params }));
    },
  });
}

/** What each member did today, and how far they are with the practice round; by their id. */
export function standingsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["members", projectId, "standing"],
    queryFn: async () => {
      const params = { path: { project_id: projectId } };
      const { items } = await body(client.GET("/api/v1/projects/{project_id}/members/standing", { params }));
      return new Map(items.map((one) => [one.user_id, one]));
    },
  });
}

export function invitationsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["invitations", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 200 } };
      return body(client.GET("/api/v1/projects/{project_id}/invitations", { params }));
    },
  });
}

export async function invite(projectId: number, role: Role, email: string): Promise<IssuedInvitation> {
  const request = { role, ...(email !== "" && { email }) };
  const params = { path: { project_id: projectId } };
  return body(client.POST("/api/v1/projects/{project_id}/invitations", { params, body: request }));
}

export async function revokeInvitation(projectId: number, invitationId: number): Promise<void> {
  const params = { path: { project_id: projectId, invitation_id: invitationId } };
  await body(client.DELETE("/api/v1/projects/{project_id}/invitations/{invitation_id}", { params }));
}

export async function changeMember(
  projectId: number,
  userId: number,
  change: { role?: Role; paused?: boolean },
): Promise<void> {
  const params = { path: { project_id: projectId, user_id: userId } };
  await body(client.PATCH("/api/v1/projects/{project_id}/members/{user_id}", { params, body: change }));
}

export async function removeMember(projectId: number, userId: number): Promise<void> {
  const params = { path: { project_id: projectId, user_id: userId } };
  await body(client.DELETE("/api/v1/projects/{project_id}/members/{user_id}", { params }));
}

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: () => body(client.GET("/api/v1/tokens", { params: { query: { limit: 100 } } })),
});

interface NewToken {
  name: string;
  scopes: Scope[];
  project_id: number | null;
  expires_in_days: number;
}

export async function createToken(token: NewToken): Promise<IssuedToken> {
  return body(client.POST("/api/v1/tokens", { body: token }));
}

export async function revokeToken(tokenId: number): Promise<void> {
  await body(client.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: tokenId } } }));
}
