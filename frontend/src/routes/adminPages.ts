/** Pages for running a project. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";

import { forAdmins, forResearch, projectRoute } from "./base";

const guidelines = createRoute({
  getParentRoute: () => projectRoute,
  path: "/guidelines",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "GuidelinesRoute"),
});

const known = createRoute({
  getParentRoute: () => projectRoute,
  path: "/known",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "KnownRoute"),
});

const maker = createRoute({
  getParentRoute: () => projectRoute,
  path: "/known/new",
  beforeLoad: forAdmins,
  validateSearch: ({ purpose }: Record<string, unknown>): { purpose?: "gold" | "practice" } =>
    purpose === "gold" || purpose === "practice" ? { purpose } : {},
  component: lazyRouteComponent(() => import("./administration"), "MakerRoute"),
});

const reports = createRoute({
  getParentRoute: () => projectRoute,
  path: "/reports",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "ReportsRoute"),
});

const tasks = createRoute({
  getParentRoute: () => projectRoute,
  path: "/tasks",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "TasksRoute"),
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

const webhooks = createRoute({
  getParentRoute: () => projectRoute,
  path: "/webhooks",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "WebhooksRoute"),
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

export const adminPages = [guidelines, known, maker, reports, tasks, people, tokens, webhooks, settings, audit];
