import { queryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import type { ModelVersion } from "./types";

export function modelsQuery(projectId: number) {
  return queryOptions({
    queryKey: ["models", projectId],
    queryFn: () => {
      const params = { path: { project_id: projectId }, query: { limit: 100 } };
      return body(client.GET("/api/v1/projects/{project_id}/model-versions", { params }));
    },
  });
}

export function modelQuery(modelVersionId: number) {
  return queryOptions({
    queryKey: ["model", modelVersionId],
    queryFn: () => {
      const params = { path: { model_version_id: modelVersionId } };
      return body(client.GET("/api/v1/model-versions/{model_version_id}", { params }));
    },
  });
}

export function originsQuery(modelVersionId: number) {
  return queryOptions({
    queryKey: ["model", modelVersionId, "origins"],
    queryFn: () => {
      const params = { path: { model_version_id: modelVersionId } };
      return body(client.GET("/api/v1/model-versions/{model_version_id}/origins", { params }));
    },
  });
}

export async function moveModel(modelVersionId: number, to: "promote" | "archive"): Promise<ModelVersion> {
  const params = { path: { model_version_id: modelVersionId } };
  return body(
    to === "promote"
      ? client.POST("/api/v1/model-versions/{model_version_id}/promote", { params })
      : client.POST("/api/v1/model-versions/{model_version_id}/archive", { params }),
  );
}
