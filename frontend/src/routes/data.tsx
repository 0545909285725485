import { CompletionsPage } from "@/features/completions/CompletionsPage";
import { DatasetsPage } from "@/features/datasets/DatasetsPage";
import { PromptsPage } from "@/features/prompts/PromptsPage";

import { useProject } from "./useProject";

export function PromptsRoute() {
  return <PromptsPage projectId={useProject().projectId} />;
}

export function CompletionsRoute() {
  const { projectId, role } = useProject();
  return <CompletionsPage projectId={projectId} role={role} />;
}

export function DatasetsRoute() {
  return <DatasetsPage projectId={useProject().projectId} />;
}
