import type { QueryClient } from "@tanstack/react-query";
import { createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import { homeFor } from "@/features/shell/navigation";

import { adminPages } from "./adminPages";
import { forRanking, projectRoute, root, signedIn } from "./base";
import { NotFound } from "./NotFound";
import { researchPages } from "./researchPages";

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
  // Where the person was; only a path of this page.
  validateSearch: (search: Record<string, unknown>): { back?: string } =>
    typeof search.back === "string" && /^\/(?![/\\])/.test(search.back) ? { back: search.back } : {},
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

const write = createRoute({
  getParentRoute: () => projectRoute,
  path: "/write",
  beforeLoad: forRanking,
  component: lazyRouteComponent(() => import("./ranking"), "WriteRoute"),
});

const pages = [projectIndex, desk, history, write, ...researchPages, ...adminPages];
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
