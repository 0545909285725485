/** The part of JSON Schema that run kinds use: flat objects of numbers, words, choices and switches. */
import { fromSlug } from "@/components/format";

export interface Property {
  name: string;
  type: "integer" | "number" | "string" | "boolean";
  title: string;
  description: string;
  choices: readonly string[];
  minimum: number | undefined;
  maximum: number | undefined;
  initial: unknown;
}

const TYPES = ["integer", "number", "string", "boolean"] as const;

export function propertiesOf(schema: Record<string, unknown>): Property[] {
  const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>;
  return Object.entries(properties).flatMap(([name, one]) => {
    const type = TYPES.find((known) => known === one.type);
    return type === undefined ? [] : [propertyOf(name, type, one)];
  });
}

function propertyOf(name: string, type: Property["type"], one: Record<string, unknown>): Property {
  return {
    name,
    type,
    title: typeof one.title === "string" ? one.title : fromSlug(name),
    description: typeof one.description === "string" ? one.description : "",
    choices: Array.isArray(one.enum) ? one.enum.map(String) : [],
    minimum: typeof one.minimum === "number" ? one.minimum : undefined,
    maximum: typeof one.maximum === "number" ? one.maximum : undefined,
    initial: one.default,
  };
}

/** Only what differs from the defaults, so that the project's own settings still count. */
export function configOf(properties: readonly Property[], form: FormData): Record<string, unknown> {
  const changed = properties.flatMap((property): [string, unknown][] => {
    const value = valueOf(property, form);
    return value === undefined || value === property.initial ? [] : [[property.name, value]];
  });
  return Object.fromEntries(changed);
}

function valueOf(property: Property, form: FormData): unknown {
  const given = form.get(property.name);
  if (property.type === "boolean") return given !== null;
  if (typeof given !== "string" || given.trim() === "") return undefined;
  return property.type === "string" ? given : Number(given);
}
