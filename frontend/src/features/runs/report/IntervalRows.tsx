import type { Estimate } from "@/api/types";
import { cx } from "@/components/cx";
import { t } from "@/strings";

import { type Axis, placeOf, spanOf } from "./geometry";
import { rangeOf } from "./wording";

export interface IntervalRow {
  name: string;
  note?: string | undefined;
  estimate: Estimate;
  /** Something to compare with, not the model itself. */
  beside?: boolean;
}

type Format = (value: number | null | undefined) => string;

interface IntervalRowsProps {
  caption: string;
  rows: readonly IntervalRow[];
  axis: Axis;
  format: Format;
  /** The same without its unit, for the ends of intervals and of the axis. */
  bare?: Format;
  /** Where blind guessing would be. */
  mark?: number | undefined;
}

/** Figures one below the other on one axis, each a dot on its interval; the numbers stand beside the picture. */
export function IntervalRows({ caption, rows, axis, format, bare = format, mark }: IntervalRowsProps) {
  return (
    <table className="w-full table-fixed border-collapse text-sm">
      <caption className="sr-only">{caption}</caption>
      <colgroup>
        <col className="w-2/5" />
        <col />
        <col className="w-27" />
      </colgroup>
      <thead className="sr-only">
        <tr>
          <th scope="col">{t.report.figure}</th>
          <td />
          <th scope="col">{t.report.range}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, place) => (
          <Row key={`${row.name}-${place}`} row={row} axis={axis} format={format} bare={bare} mark={mark} />
        ))}
      </tbody>
      <tfoot aria-hidden="true">
        <tr className="text-soft text-xs tabular-nums">
          <td />
          <td className="px-3">
            <span className="flex justify-between whitespace-nowrap">
              <span>{bare(axis[0])}</span>
              <span>{bare(axis[1])}</span>
            </span>
          </td>
          <td />
        </tr>
      </tfoot>
    </table>
  );
}

interface RowProps {
  row: IntervalRow;
  axis: Axis;
  format: Format;
  bare: Format;
  mark: number | undefined;
}

function Row({ row, axis, format, bare, mark }: RowProps) {
  const { name, note, estimate, beside = false } = row;
  return (
    <tr>
      <th scope="row" className="py-1.5 text-start align-middle font-normal">
        <span className={cx("wrap-anywhere", beside ? "text-soft" : "font-medium")}>{name}</span>
        {note !== undefined && <span className="text-soft block text-xs">{note}</span>}
      </th>
      <td className="px-3 align-middle" aria-hidden="true">
        <Track estimate={estimate} axis={axis} mark={mark} beside={beside} />
      </td>
      <td className="py-1.5 text-end align-middle whitespace-nowrap tabular-nums">
        <span className={cx("block", !beside && "font-semibold")}>{format(estimate.value)}</span>
        <span className="text-soft block text-xs">{rangeOf(estimate, bare)}</span>
      </td>
    </tr>
  );
}

function Track({
  estimate,
  axis,
  mark,
  beside,
}: {
  estimate: Estimate;
  axis: Axis;
  mark: number | undefined;
  beside: boolean;
}) {
  const span = spanOf(estimate.low, estimate.high, axis);
  const colour = beside ? "bg-edge" : "bg-accent";
  return (
    <div className="relative h-9">
      <div className="bg-line absolute inset-x-0 top-1/2 h-px" />
      {mark !== undefined && (
        <div
          className="border-edge absolute inset-y-1 border-s border-dashed"
          style={{ left: `${placeOf(mark, axis)}%` }}
        />
      )}
      {span !== null && (
        <div
          className={cx("absolute top-1/2 h-1.5 -translate-y-1/2 rounded-full opacity-40", colour)}
          style={{ left: `${span.start}%`, width: `${span.width}%` }}
        />
      )}
      {estimate.value !== null && (
        <div
          className={cx("absolute top-1/2 size-2.5 -translate-x-1/2 -translate-y-1/2 rounded-full", colour)}
          style={{ left: `${placeOf(estimate.value, axis)}%` }}
        />
      )}
    </div>
  );
}
