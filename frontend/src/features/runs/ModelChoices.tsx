import { useQuery } from "@tanstack/react-query";
import { useId } from "react";

import { modelsQuery } from "@/api/models";
import type { ModelVersion } from "@/api/types";
import { cx } from "@/components/cx";
import { Check, Select } from "@/components/Field";
import { fromSlug } from "@/components/format";
import { t } from "@/strings";

import { candidatesFor, errorOf, playersOf, type Role } from "./roles";
import type { FieldErrors } from "./schema";

interface ModelChoicesProps {
  projectId: number;
  roles: readonly Role[];
  errors: FieldErrors;
  /** Who played the parts in the run that is repeated. */
  before?: Readonly<Record<string, number>> | undefined;
}

/** Who plays which part in a run; what is left as it is names whom the run takes then. */
export function ModelChoices({ projectId, roles, errors, before = {} }: ModelChoicesProps) {
  const models = useQuery(modelsQuery(projectId));
  if (models.data === undefined) return null;
  const { items } = models.data;
  return roles.map((role) => {
    const chosen = playersOf(role, before);
    const models = candidatesFor(role, items, chosen);
    return <Choice key={role.name} role={role} models={models} chosen={chosen} error={errorOf(role, errors)} />;
  });
}

interface ChoiceProps {
  role: Role;
  models: readonly ModelVersion[];
  chosen: readonly number[];
  error: string | undefined;
}

function Choice({ role, models, chosen, error }: ChoiceProps) {
  const note = useId();
  const named = (one: ModelVersion) => `${one.name} · ${t.runs.models.stages[one.stage]}`;
  const labels: Record<string, string> = t.runs.roles;
  const label = labels[role.name] ?? fromSlug(role.name);
  if (role.many) {
    if (models.length < 2 && error === undefined) return null;
    return (
      <fieldset className="grid" aria-describedby={note}>
        <legend className="text-sm font-semibold">{label}</legend>
        {models.map((one) => (
          <Check
            key={one.id}
            name={`model.${role.name}`}
            value={one.id}
            label={named(one)}
            defaultChecked={chosen.includes(one.id)}
          />
        ))}
        <p id={note} className={cx("text-sm", error === undefined ? "text-soft" : "text-bad")}>
          {error ?? t.runs.writersHint}
        </p>
      </fieldset>
    );
  }
  const options = models.map((one) => [String(one.id), named(one)] as const);
  return (
    <Select
      label={label}
      hint={role.description}
      error={error}
      name={`model.${role.name}`}
      defaultValue={chosen[0] ?? ""}
      options={[["", t.runs.leftOpen[role.left_open]], ...options]}
    />
  );
}
