import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";

import { sessionQuery } from "@/api/session";
import type { Role } from "@/api/types";
import { ErrorNote } from "@/components/Notice";
import { homeFor } from "@/features/shell/navigation";

import { NotFound } from "./NotFound";
import { ProjectLayout } from "./ProjectLayout";

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
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

const index = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: ({ context: { session } }) => {
    if (session.user === null) throw redirect({ to: "/sign-in" });
    const first = session.projects[0];
    if (first === undefined) throw redirect({ to: "/projects/new" });
    throw redirect({ to: homeFor(first.role), params: { projectId: first.id } });
  },
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  beforeLoad: ({ context: { session } }) => {
    if (session.user !== null) throw redirect({ to: "/" });
  },
  component: lazyRouteComponent(() => import("./gates"), "SignInRoute"),
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: "/welcome",
  component: lazyRouteComponent(() => import("./gates"), "WelcomeRoute"),
});

/** Everything behind the door. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  beforeLoad: ({ context: { session } }) => {
    if (session.user === null) throw redirect({ to: "/sign-in" });
    return { user: session.user };
  },
});

const account = createRoute({
  getParentRoute: () => signedIn,
  path: "/account",
  component: lazyRouteComponent(() => import("./account"), "AccountRoute"),
});

const newProject = createRoute({
  getParentRoute: () => signedIn,
  path: "/projects/new",
  component: lazyRouteComponent(() => import("./account"), "NewProjectRoute"),
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
const forRanking = only("admin", "annotator");
const forResearch = only("admin", "researcher");
const forAdmins = only("admin");

const nowhere = createRoute({ getParentRoute: () => root, path: "/nowhere", component: NotFound });

const projectIndex = createRoute({
  getParentRoute: () => projectRoute,
  path: "/",
  beforeLoad: ({ context, params }) => {
    throw redirect({ to: homeFor(context.role), params });
  },
});

const desk = createRoute({
  getParentRoute: () => projectRoute,
  path: "/desk",
  beforeLoad: forRanking,
  validateSearch: (search: Record<string, unknown>): { revise?: number } =>
    typeof search.revise === "number" ? { revise: search.revise } : {},
  component: lazyRouteComponent(() => import("./ranking"), "DeskRoute"),
});

const history = createRoute({
  getParentRoute: () => projectRoute,
  path: "/history",
  beforeLoad: forRanking,
  component: lazyRouteComponent(() => import("./ranking"), "HistoryRoute"),
});

const loop = createRoute({
  getParentRoute: () => projectRoute,
  path: "/loop",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./loop"), "LoopRoute"),
});

const prompts = createRoute({
  getParentRoute: () => projectRoute,
  path: "/prompts",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./data"), "PromptsRoute"),
});

const runs = createRoute({
  getParentRoute: () => projectRoute,
  path: "/runs",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./runs"), "RunsRoute"),
});

const run = createRoute({
  getParentRoute: () => projectRoute,
  path: "/runs/$runId",
  params: {
    parse: ({ runId }) => ({ runId: Number(runId) }),
    stringify: ({ runId }) => ({ runId: String(runId) }),
  },
  beforeLoad: ({ context, params }) => forResearch({ context, params }),
  component: lazyRouteComponent(() => import("./runs"), "RunRoute"),
});

const models = createRoute({
  getParentRoute: () => projectRoute,
  path: "/models",
  beforeLoad: forResearch,
  validateSearch: (search: Record<string, unknown>): { model?: number } =>
    typeof search.model === "number" ? { model: search.model } : {},
  component: lazyRouteComponent(() => import("./runs"), "ModelsRoute"),
});

const datasets = createRoute({
  getParentRoute: () => projectRoute,
  path: "/datasets",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./data"), "DatasetsRoute"),
});

const people = createRoute({
  getParentRoute: () => projectRoute,
  path: "/people",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "PeopleRoute"),
});

const tokens = createRoute({
  getParentRoute: () => projectRoute,
  path: "/tokens",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./administration"), "TokensRoute"),
});

const settings = createRoute({
  getParentRoute: () => projectRoute,
  path: "/settings",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "SettingsRoute"),
});

const audit = createRoute({
  getParentRoute: () => projectRoute,
  path: "/audit",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "AuditRoute"),
});

const pages = [
  projectIndex,
  desk,
  history,
  loop,
  prompts,
  runs,
  run,
  models,
  datasets,
  people,
  tokens,
  settings,
  audit,
];
const tree = root.addChildren([
  index,
  signIn,
  welcome,
  nowhere,
  signedIn.addChildren([account, newProject, projectRoute.addChildren(pages)]),
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({ routeTree: tree, context: { queries }, defaultPreload: "intent", scrollRestoration: true });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
