/** Which models a kind of run works with, as the API tells, and what may play each part. */
import type { ModelVersion, RunKind } from "@/api/types";

import type { FieldErrors } from "./schema";

export type Role = RunKind["roles"][number];

const WRITER = /^models\.writer_\d+$/;

/** The models with weights that can play a role, newest first; archived ones are put away unless already chosen. */
export function candidatesFor(
  role: Role,
  models: readonly ModelVersion[],
  chosen: readonly number[] = [],
): ModelVersion[] {
  return models.filter(
    (one) =>
      role.kinds.includes(one.kind) &&
      one.artifact !== null &&
      (one.stage !== "archived" || chosen.includes(one.id)) &&
      !(role.whole && one.base_id !== null),
  );
}

/** Who played a part in an earlier run; the writers of one all shared theirs. */
export function playersOf(role: Role, models: Readonly<Record<string, number>>): number[] {
  return role.many ? Object.values(models) : [models[role.name] ?? []].flat();
}

/** What is wrong with a role's choice; of several writers the first complaint, as one field stands for them all. */
export function errorOf(role: Role, errors: FieldErrors): string | undefined {
  if (!role.many) return errors[`models.${role.name}`];
  const fields = Object.keys(errors).filter((field) => field === `models.${role.name}` || WRITER.test(field));
  return fields.map((field) => errors[field]).find((detail) => detail !== undefined);
}

/** Chosen model ids by role; what is left open is the run's own choice. Several writers get names of their own. */
export function modelsOf(roles: readonly Role[], form: FormData): Record<string, number> {
  const chosen = roles.flatMap((role): [string, number][] => {
    const ids = form.getAll(`model.${role.name}`).map(Number).filter(Boolean);
    return role.many ? ids.map((id, index) => [`writer_${index + 1}`, id]) : ids.map((id) => [role.name, id]);
  });
  return Object.fromEntries(chosen);
}
