import { getRouteApi } from "@tanstack/react-router";

import { ModelsPage } from "@/features/models/ModelsPage";
import { RunPage } from "@/features/runs/RunPage";
import { RunsPage } from "@/features/runs/RunsPage";

import { useProject } from "./useProject";

const run = getRouteApi("/signed-in/p/$projectId/runs/$runId");
const models = getRouteApi("/signed-in/p/$projectId/models");

export function RunsRoute() {
  return <RunsPage projectId={useProject().projectId} />;
}

export function RunRoute() {
  const { runId } = run.useParams();
  return <RunPage key={runId} runId={runId} />;
}

export function ModelsRoute() {
  const { model, view } = models.useSearch();
  return <ModelsPage projectId={useProject().projectId} chosen={model} isDrift={view === "drift"} />;
}
