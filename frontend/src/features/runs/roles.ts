/** Which models a kind of run works with, as the API tells, and what may play each part. */
import type { ModelVersion, RunKind } from "@/api/types";

export type Role = RunKind["roles"][number];

/** The models with weights that can play a role, newest first; archived ones are put away. */
export function candidatesFor(role: Role, models: readonly ModelVersion[]): ModelVersion[] {
  return models.filter(
    (one) =>
      role.kinds.includes(one.kind) &&
      one.artifact !== null &&
      one.stage !== "archived" &&
      !(role.whole && one.base_id !== null),
  );
}

/** Chosen model ids by role; what is left open is the run's own choice. Several writers get names of their own. */
export function modelsOf(roles: readonly Role[], form: FormData): Record<string, number> {
  const chosen = roles.flatMap((role): [string, number][] => {
    const ids = form.getAll(`model.${role.name}`).map(Number).filter(Boolean);
    return role.many ? ids.map((id, index) => [`writer_${index + 1}`, id]) : ids.map((id) => [role.name, id]);
  });
  return Object.fromEntries(chosen);
}
