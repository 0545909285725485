/** Pages of prompts, runs, models and data. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";

import { forResearch, projectRoute } from "./base";

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

const completions = createRoute({
  getParentRoute: () => projectRoute,
  path: "/completions",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./data"), "CompletionsRoute"),
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
  validateSearch: (search: Record<string, unknown>): { model?: number; view?: "drift" } => ({
    ...(typeof search.model === "number" && { model: search.model }),
    ...(search.view === "drift" && { view: search.view }),
  }),
  component: lazyRouteComponent(() => import("./runs"), "ModelsRoute"),
});

const datasets = createRoute({
  getParentRoute: () => projectRoute,
  path: "/datasets",
  beforeLoad: forResearch,
  component: lazyRouteComponent(() => import("./data"), "DatasetsRoute"),
});

export const researchPages = [loop, prompts, completions, runs, run, models, datasets];
