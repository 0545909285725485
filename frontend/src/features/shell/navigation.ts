import type { Role } from "@/api/types";
import type { Strings } from "@/strings";

export interface NavItem {
  to:
    | "/p/$projectId/desk"
    | "/p/$projectId/history"
    | "/p/$projectId/loop"
    | "/p/$projectId/prompts"
    | "/p/$projectId/runs"
    | "/p/$projectId/models"
    | "/p/$projectId/datasets"
    | "/p/$projectId/completions"
    | "/p/$projectId/tasks"
    | "/p/$projectId/guidelines"
    | "/p/$projectId/known"
    | "/p/$projectId/reports"
    | "/p/$projectId/people"
    | "/p/$projectId/tokens"
    | "/p/$projectId/webhooks"
    | "/p/$projectId/audit"
    | "/p/$projectId/settings";
  name: keyof Strings["shell"];
  roles: readonly Role[];
}

const EVERYBODY: readonly Role[] = ["admin", "annotator", "researcher"];
const RANKING: readonly Role[] = ["admin", "annotator"];
const RUNNING: readonly Role[] = ["admin", "researcher"];
const ADMIN: readonly Role[] = ["admin"];

/** The pages in groups, each with who may see it. */
const GROUPS: readonly (readonly NavItem[])[] = [
  [
    { to: "/p/$projectId/desk", name: "desk", roles: RANKING },
    { to: "/p/$projectId/history", name: "history", roles: RANKING },
  ],
  [
    { to: "/p/$projectId/loop", name: "loop", roles: RUNNING },
    { to: "/p/$projectId/prompts", name: "prompts", roles: RUNNING },
    { to: "/p/$projectId/completions", name: "completions", roles: RUNNING },
    { to: "/p/$projectId/runs", name: "runs", roles: RUNNING },
    { to: "/p/$projectId/models", name: "models", roles: RUNNING },
    { to: "/p/$projectId/datasets", name: "datasets", roles: RUNNING },
  ],
  [
    { to: "/p/$projectId/tasks", name: "tasks", roles: ADMIN },
    { to: "/p/$projectId/guidelines", name: "guidelines", roles: ADMIN },
    { to: "/p/$projectId/known", name: "known", roles: ADMIN },
    { to: "/p/$projectId/reports", name: "reports", roles: ADMIN },
  ],
  [
    { to: "/p/$projectId/people", name: "people", roles: ADMIN },
    { to: "/p/$projectId/tokens", name: "tokens", roles: EVERYBODY },
    { to: "/p/$projectId/webhooks", name: "webhooks", roles: ADMIN },
    { to: "/p/$projectId/settings", name: "settings", roles: ADMIN },
    { to: "/p/$projectId/audit", name: "audit", roles: ADMIN },
  ],
];

export function groupsFor(role: Role): NavItem[][] {
  // Annotators come to rank: they see the desk and their history, nothing else.
  const groups = role === "annotator" ? GROUPS.slice(0, 1) : GROUPS;
  return groups.map((group) => group.filter((item) => item.roles.includes(role))).filter((group) => group.length > 0);
}

/** Where a person lands. */
export function homeFor(role: Role): "/p/$projectId/desk" | "/p/$projectId/loop" {
  return role === "researcher" ? "/p/$projectId/loop" : "/p/$projectId/desk";
}
