/** A report of a shape this page does not know, as facts and tables, so that nothing a run told is out of sight. */
import { formatFigure, fromSlug } from "@/components/format";
import { t } from "@/strings";

import { exact, rangeOf } from "./wording";

export type Fact = readonly [name: string, value: string];

export interface Section {
  title: string;
  facts: readonly Fact[];
  /** Rows that share their columns; null where there are only facts. */
  table: { head: readonly string[]; rows: readonly (readonly string[])[] } | null;
}

/** What says which row this is stands first; the database keeps no order of its own. */
const NAMING = ["name", "model", "prompt", "step", "judge", "against", "text"];
const HASH = /^[0-9a-f]{64}$/;

type Values = Readonly<Record<string, unknown>>;

/** What is plain comes first under no title; then each part with its own. */
export function sectionsOf(report: Values): Section[] {
  const plain: Fact[] = [];
  const parts: Section[] = [];
  for (const [name, value] of Object.entries(report)) {
    const title = fromSlug(name);
    if (isRows(value)) parts.push({ title, facts: [], table: tableOf(value) });
    else if (isValues(value) && !isEstimate(value)) parts.push({ title, facts: factsIn(value), table: null });
    else plain.push(...factsIn({ [name]: value }));
  }
  return [{ title: "", facts: plain, table: null }, ...parts].filter(
    (one) => one.facts.length > 0 || one.table !== null,
  );
}

/** Every figure and word inside, named by the way to it; what is not there is left out. */
function factsIn(values: Values, path = ""): Fact[] {
  return Object.entries(values).flatMap(([name, value]): Fact[] => {
    const named = path === "" ? fromSlug(name) : `${path} · ${fromSlug(name)}`;
    if (value === null || value === undefined) return [];
    if (isValues(value) && !isEstimate(value)) return factsIn(value, named);
    const text = textOf(value);
    return text === "" ? [] : [[named, text]];
  });
}

function tableOf(rows: readonly Values[]): NonNullable<Section["table"]> {
  const found = rows.map((row) => new Map(factsIn(row)));
  const names = [...new Set(found.flatMap((row) => [...row.keys()]))];
  const telling = NAMING.map(fromSlug).filter((name) => names.includes(name));
  const head = [...telling, ...names.filter((name) => !telling.includes(name))];
  return { head, rows: found.map((row) => head.map((name) => row.get(name) ?? t.common.none)) };
}

function textOf(value: unknown): string {
  if (typeof value === "number") return formatFigure(value);
  if (typeof value === "string") return HASH.test(value) ? value.slice(0, 12) : value;
  if (isEstimate(value)) {
    const range = rangeOf(value, exact);
    return range === "" ? exact(value.value) : `${exact(value.value)} (${range})`;
  }
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return typeof value === "boolean" ? (value ? t.report.yes : t.report.no) : JSON.stringify(value);
}

function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRows(value: unknown): value is readonly Values[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => isValues(one));
}

function isEstimate(value: unknown): value is { value: number | null; low: number | null; high: number | null } {
  return isValues(value) && "value" in value && "low" in value && "high" in value;
}
