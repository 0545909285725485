import { Check, Select, TextField } from "@/components/Field";

import type { Property } from "./schema";

/** The control for one setting of a run. */
export function SchemaField({ property, error }: { property: Property; error: string | undefined }) {
  const { name, title, description, initial } = property;
  if (property.type === "boolean") {
    return <Check name={name} label={title} hint={description} defaultChecked={initial === true} />;
  }
  const shown = typeof initial === "number" || typeof initial === "string" ? String(initial) : "";
  if (property.choices.length > 0) {
    const options = property.choices.map((choice) => [choice, choice] as const);
    return <Select name={name} label={title} hint={description} error={error} defaultValue={shown} options={options} />;
  }
  if (property.type === "string")
    return <TextField name={name} label={title} hint={description} error={error} defaultValue={shown} />;
  return (
    <TextField
      name={name}
      label={title}
      hint={description}
      error={error}
      type="number"
      step={property.type === "integer" ? 1 : "any"}
      min={property.minimum}
      max={property.maximum}
      defaultValue={shown}
    />
  );
}
