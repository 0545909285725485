import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, Outlet, redirect } from "@tanstack/react-router";

import { sessionQuery } from "@/api/session";
import type { Role } from "@/api/types";
import { ErrorNote } from "@/components/Notice";
import { homeFor } from "@/features/shell/navigation";

import { NotFound } from "./NotFound";
import { ProjectLayout } from "./ProjectLayout";

interface Context {
  queries: QueryClient;
}

export const root = createRootRouteWithContext<Context>()({
  beforeLoad: async ({ context }) => ({
    session: await context.queries.query({ ...sessionQuery, staleTime: "static" }),
  }),
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => (
    <main className="mx-auto max-w-lg p-6 pt-24">
      <ErrorNote error={error} onRetry={reset} />
    </main>
  ),
});

/** Everything behind the door. */
export const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  beforeLoad: ({ context: { session }, location }) => {
    if (session.user === null) throw redirect({ to: "/sign-in", search: { back: location.href } });
    return { user: session.user };
  },
});

export const projectRoute = createRoute({
  getParentRoute: () => signedIn,
  path: "/p/$projectId",
  params: {
    parse: ({ projectId }) => ({ projectId: Number(projectId) }),
    stringify: ({ projectId }) => ({ projectId: String(projectId) }),
  },
  beforeLoad: ({ context: { session }, params }) => {
    const standing = session.projects.find((one) => one.id === params.projectId);
    if (standing === undefined) throw redirect({ to: "/nowhere" });
    return { role: standing.role };
  },
  component: ProjectLayout,
});

/** Keeps a page for those whose role it is made for; the API keeps the same doors. */
function only(...roles: Role[]) {
  return ({ context, params }: { context: { role: Role }; params: { projectId: number } }) => {
    if (!roles.includes(context.role)) throw redirect({ to: homeFor(context.role), params });
  };
}
export const forRanking = only("admin", "annotator");
export const forResearch = only("admin", "researcher");
export const forAdmins = only("admin");
