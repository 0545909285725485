import { LoopPage } from "@/features/loop/LoopPage";

import { useProject } from "./useProject";

export function LoopRoute() {
  const { projectId, role, session } = useProject();
  const name = session.projects.find((one) => one.id === projectId)?.name ?? "";
  return <LoopPage projectId={projectId} projectName={name} role={role} />;
}
