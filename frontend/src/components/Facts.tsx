import { Fragment, type ReactNode } from "react";

import { cx } from "./cx";

interface FactsProps {
  rows: readonly (readonly [name: string, value: ReactNode])[];
  className?: string;
}

/** Names and values, one pair a line; empty values are left out. */
export function Facts({ rows, className }: FactsProps) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl className={cx("grid grid-cols-[fit-content(65%)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm", className)}>
      {shown.map(([name, value]) => (
        <Fragment key={name}>
          <dt className="text-soft wrap-anywhere">{name}</dt>
          <dd className="text-end wrap-anywhere tabular-nums">{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** A JSON object as facts: figures short, everything else as text. */
export function factsOf(
  values: Readonly<Record<string, unknown>> | null,
  figure: (value: number) => string,
): [string, string][] {
  return Object.entries(values ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [name, valueText(value, figure)]);
}

function valueText(value: unknown, figure: (value: number) => string): string {
  if (typeof value === "number") return figure(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
