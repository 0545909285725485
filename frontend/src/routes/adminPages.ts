/** Pages for running a project. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";

import { forAdmins, forResearch, projectRoute } from "./base";

const guidelines = createRoute({
  getParentRoute: () => projectRoute,
  path: "/guidelines",
  beforeLoad: forAdmins,
  component: lazyRouteComponent(() => import("./administration"), "GuidelinesRoute"),
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

export const adminPages = [guidelines, people, tokens, settings, audit];
