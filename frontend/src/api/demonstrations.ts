import { body, client } from "./client";
import { formOf, type Upload } from "./prompts";
import type { DemonstrationUpload } from "./types";

/** Sends a file of demonstrations: a preview only tells what it holds, else what is good is added at once. */
export async function uploadDemonstrations(
  projectId: number,
  upload: Upload,
  preview: boolean,
): Promise<DemonstrationUpload> {
  const request = client.POST("/api/v1/projects/{project_id}/demonstrations", {
    params: { path: { project_id: projectId }, query: { preview } },
    body: { file: upload.file.name },
    bodySerializer: () => formOf(upload),
  });
  return body(request);
}
