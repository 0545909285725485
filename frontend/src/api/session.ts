import { queryOptions } from "@tanstack/react-query";

import { body, client, setCsrfToken } from "./client";
import type { InvitationPeek, Session } from "./types";

function remembered(session: Session): Session {
  setCsrfToken(session.csrf_token);
  return session;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => remembered(await body(client.GET("/api/v1/session"))),
  staleTime: Infinity,
});

export async function signIn(email: string, password: string): Promise<Session> {
  return remembered(await body(client.POST("/api/v1/session", { body: { email, password } })));
}

export async function signOut(): Promise<void> {
  await body(client.DELETE("/api/v1/session"));
}

export async function peekInvitation(token: string): Promise<InvitationPeek> {
  return body(client.POST("/api/v1/invitations/peek", { body: { token } }));
}

interface Acceptance {
  token: string;
  name: string;
  email: string;
  password: string;
}

export async function redeemInvitation(acceptance: Acceptance): Promise<Session> {
  return remembered(await body(client.POST("/api/v1/invitations/redeem", { body: acceptance })));
}

export async function changePassword(current: string, next: string): Promise<void> {
  await body(client.POST("/api/v1/password", { body: { current, new: next } }));
}
