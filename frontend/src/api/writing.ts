import { body, client } from "./client";
import type { NewDemonstration, WritingClaim, WritingReceipt } from "./types";

export async function claimWriting(projectId: number, holding: number[]): Promise<WritingClaim> {
  const params = { path: { project_id: projectId } };
  return body(client.POST("/api/v1/projects/{project_id}/writing-tasks/claim", { params, body: { holding } }));
}

export async function saveText(assignmentId: number, text: string, sequence: number): Promise<void> {
  const params = { path: { assignment_id: assignmentId } };
  const draft = { text, sequence, none_acceptable: false };
  await body(client.PUT("/api/v1/assignments/{assignment_id}/draft", { params, body: draft }));
}

export async function submitDemonstration(
  assignmentId: number,
  key: string,
  demonstration: NewDemonstration,
): Promise<WritingReceipt> {
  const params = { path: { assignment_id: assignmentId }, header: { "Idempotency-Key": key } };
  return body(client.POST("/api/v1/assignments/{assignment_id}/demonstration", { params, body: demonstration }));
}
