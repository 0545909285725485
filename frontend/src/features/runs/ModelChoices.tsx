import { useQuery } from "@tanstack/react-query";

import { modelsQuery } from "@/api/models";
import type { ModelVersion } from "@/api/types";
import { Check, Select } from "@/components/Field";
import { t } from "@/strings";

import { candidatesFor, type Role, rolesOf } from "./roles";

/** Who plays which part in a run; left as it is, the live model does. */
export function ModelChoices({ projectId, kind }: { projectId: number; kind: string }) {
  const models = useQuery(modelsQuery(projectId));
  if (models.data === undefined) return null;
  return rolesOf(kind).map((role) => (
    <Choice key={role.name} role={role} models={candidatesFor(role, models.data.items)} />
  ));
}

function Choice({ role, models }: { role: Role; models: readonly ModelVersion[] }) {
  const named = (one: ModelVersion) => `${one.name} · ${t.runs.models.stages[one.stage]}`;
  const label = t.runs.roles[role.name];
  if (role.many) {
    if (models.length < 2) return null;
    return (
      <fieldset className="grid">
        <legend className="text-sm font-semibold">{label}</legend>
        {models.map((one) => (
          <Check key={one.id} name={`model.${role.name}`} value={one.id} label={named(one)} />
        ))}
        <p className="text-soft text-sm">{t.runs.writersHint}</p>
      </fieldset>
    );
  }
  const options = models.map((one) => [String(one.id), named(one)] as const);
  return <Select label={label} name={`model.${role.name}`} options={[["", t.runs.liveModel], ...options]} />;
}
