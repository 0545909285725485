import { getRouteApi } from "@tanstack/react-router";

const route = getRouteApi("/signed-in/p/$projectId");

/** The project of the address, and who looks at it. */
export function useProject() {
  const { session, user, role } = route.useRouteContext();
  const { projectId } = route.useParams();
  return { session, user, role, projectId };
}
