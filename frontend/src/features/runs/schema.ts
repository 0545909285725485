/** The part of JSON Schema that run kinds use: flat objects of numbers, words, choices and switches. */
import type { Problem } from "@/api/problem";
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

/** What went wrong, by the field it is about: `config.epochs`, `models.base`. */
export type FieldErrors = Readonly<Record<string, string>>;

/** The settings that are thought about before a run; all others are for those who know why. */
const FIRST: Record<string, readonly string[]> = {
  sample: ["prompts", "completions_per_prompt", "temperature", "max_new_tokens"],
  pretrain: ["preset", "steps", "context", "learning_rate"],
  sft: ["method", "epochs", "max_tokens", "keep"],
  reward: ["method", "ties", "annotators", "epochs"],
  ppo: ["method", "updates", "kl_coefficient", "value"],
  rloo: ["method", "updates", "kl_coefficient", "samples_per_prompt"],
  grpo: ["method", "updates", "kl_coefficient", "samples_per_prompt"],
  dpo: ["method", "beta", "ties", "epochs"],
  best_of_n: ["method", "prompts", "samples_per_prompt", "keep"],
};
const FEW = 4;

/** The first few settings of a kind, and the rest; of a kind this page does not know, those the API names first. */
export function groupsOf(
  kind: string,
  properties: readonly Property[],
): { first: readonly Property[]; more: readonly Property[] } {
  const names = FIRST[kind] ?? properties.slice(0, FEW).map((one) => one.name);
  return {
    first: names.flatMap((name) => properties.find((one) => one.name === name) ?? []),
    more: properties.filter((one) => !names.includes(one.name)),
  };
}

/** A refusal's complaints by field; those that name no field of the form are for the note below it. */
export function fieldErrorsOf(problem: Problem | null): FieldErrors {
  if (problem === null) return {};
  const several = (problem.errors ?? []).map(({ field, detail }) => [field, detail] as const);
  const one = problem.field == null ? [] : [[problem.field, problem.detail] as const];
  return Object.fromEntries([...one, ...several]);
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

/** The same settings with the values of an earlier run; one that it did not know yet keeps its default. */
export function filledFrom(properties: readonly Property[], config: Record<string, unknown>): Property[] {
  return properties.map((one) => (one.name in config ? { ...one, initial: config[one.name] } : one));
}

/** An earlier run's whole configuration with what was changed since, so that no project's setting comes between. */
export function changedConfig(
  properties: readonly Property[],
  config: Record<string, unknown>,
  form: FormData,
): Record<string, unknown> {
  const known = properties.map((one) => one.name).filter((name) => name in config);
  return {
    ...Object.fromEntries(known.map((name) => [name, config[name]])),
    ...configOf(filledFrom(properties, config), form),
  };
}

function valueOf(property: Property, form: FormData): unknown {
  const given = form.get(property.name);
  if (property.type === "boolean") return given !== null;
  if (typeof given !== "string" || given.trim() === "") return undefined;
  return property.type === "string" ? given : Number(given);
}
