/** Which models a kind of run works with, and what may play each part. */
import type { ModelVersion } from "@/api/types";

const WRITERS: readonly ModelVersion["kind"][] = ["base", "sft", "policy"];
const ROOTS: readonly ModelVersion["kind"][] = ["base", "sft"];

export interface Role {
  name: "base" | "policy" | "reward" | "writers";
  kinds: readonly ModelVersion["kind"][];
  /** Several may share the work. */
  many: boolean;
}

const ROLES: Record<string, readonly Role[]> = {
  sample: [{ name: "writers", kinds: WRITERS, many: true }],
  sft: [{ name: "base", kinds: ROOTS, many: false }],
  reward: [{ name: "base", kinds: ROOTS, many: false }],
  ppo: [
    { name: "policy", kinds: WRITERS, many: false },
    { name: "reward", kinds: ["reward"], many: false },
  ],
};

export function rolesOf(kind: string): readonly Role[] {
  return ROLES[kind] ?? [];
}

/** The models with weights that can play a role, newest first; archived ones are put away. */
export function candidatesFor(role: Role, models: readonly ModelVersion[]): ModelVersion[] {
  return models.filter((one) => role.kinds.includes(one.kind) && one.artifact !== null && one.stage !== "archived");
}

/** Chosen model ids by role; what is left open takes the live model. Writers get names of their own. */
export function modelsOf(roles: readonly Role[], form: FormData): Record<string, number> {
  const chosen = roles.flatMap((role): [string, number][] => {
    const ids = form.getAll(`model.${role.name}`).map(Number).filter(Boolean);
    return role.many ? ids.map((id, index) => [`writer_${index + 1}`, id]) : ids.map((id) => [role.name, id]);
  });
  return Object.fromEntries(chosen);
}
