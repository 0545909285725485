import { DatasetsPage } from "@/features/datasets/DatasetsPage";
import { PromptsPage } from "@/features/prompts/PromptsPage";

import { useProject } from "./useProject";

export function PromptsRoute() {
  return <PromptsPage projectId={useProject().projectId} />;
}

export function DatasetsRoute() {
  return <DatasetsPage projectId={useProject().projectId} />;
}
