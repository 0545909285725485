/** The tables of the report, property by property, in the order they are read in. */
import type { Judged } from "@/api/types";
import { formatCount } from "@/components/format";
import { t } from "@/strings";

import type { IntervalRow } from "./IntervalRows";

const ORDER = ["completions", "tiers_apart", "strength", "source", "models", "annotator"];

export interface PartTable {
  name: string;
  title: string;
  rows: IntervalRow[];
}

/** One table for each property that varies; a property this page does not know keeps its own name. */
export function tablesOf(parts: Judged["parts"]): PartTable[] {
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.entries(parts)
    .filter(([, rows]) => rows.length > 0)
    .sort(([one], [other]) => place(one) - place(other))
    .map(([name, rows]) => ({
      name,
      title: t.report.part[name] ?? name,
      rows: inOrder(name, rows).map((row) => ({
        name: valueText(name, String(row[name])),
        note: t.report.counted(formatCount(row.decided)),
        estimate: row.accuracy,
      })),
    }));
}

const COUNTS = new Set(["completions", "tiers_apart", "strength"]);

/** Counts from the least on, all else as it comes: the most frequent first. What decides nothing shows nothing. */
function inOrder(name: string, rows: Judged["parts"][string]): Judged["parts"][string] {
  const telling = rows.filter((row) => row.decided > 0);
  return COUNTS.has(name) ? telling.sort((one, other) => Number(one[name]) - Number(other[name])) : telling;
}

function valueText(name: string, value: string): string {
  const words: Record<string, (value: string) => string> = t.report.value;
  return Object.hasOwn(words, name) ? (words[name]?.(value) ?? value) : value;
}
