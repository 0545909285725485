import { Outlet } from "@tanstack/react-router";

import { Shell } from "@/features/shell/Shell";

import { useProject } from "./useProject";

export function ProjectLayout() {
  const { session, projectId, role } = useProject();
  return (
    <Shell session={session} projectId={projectId} role={role}>
      <Outlet />
    </Shell>
  );
}
