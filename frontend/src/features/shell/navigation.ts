import type { Role } from "@/api/types";
import { t } from "@/strings/en";

export interface NavItem {
  to:
    | "/p/$projectId/desk"
    | "/p/$projectId/history"
    | "/p/$projectId/loop"
    | "/p/$projectId/prompts"
    | "/p/$projectId/runs"
    | "/p/$projectId/models"
    | "/p/$projectId/datasets"
    | "/p/$projectId/people"
    | "/p/$projectId/tokens"
    | "/p/$projectId/audit"
    | "/p/$projectId/settings";
  text: string;
  roles: readonly Role[];
}

const EVERYBODY: readonly Role[] = ["admin", "annotator", "researcher"];
const RANKING: readonly Role[] = ["admin", "annotator"];
const RUNNING: readonly Role[] = ["admin", "researcher"];
const ADMIN: readonly Role[] = ["admin"];

/** The pages in groups, each with who may see it. */
const GROUPS: readonly (readonly NavItem[])[] = [
  [
    { to: "/p/$projectId/desk", text: t.shell.desk, roles: RANKING },
    { to: "/p/$projectId/history", text: t.shell.history, roles: RANKING },
  ],
  [
    { to: "/p/$projectId/loop", text: t.shell.loop, roles: RUNNING },
    { to: "/p/$projectId/prompts", text: t.shell.prompts, roles: RUNNING },
    { to: "/p/$projectId/runs", text: t.shell.runs, roles: RUNNING },
    { to: "/p/$projectId/models", text: t.shell.models, roles: RUNNING },
    { to: "/p/$projectId/datasets", text: t.shell.datasets, roles: RUNNING },
  ],
  [
    { to: "/p/$projectId/people", text: t.shell.people, roles: ADMIN },
    { to: "/p/$projectId/tokens", text: t.shell.tokens, roles: EVERYBODY },
    { to: "/p/$projectId/settings", text: t.shell.settings, roles: ADMIN },
    { to: "/p/$projectId/audit", text: t.shell.audit, roles: ADMIN },
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
