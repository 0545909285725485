import type { Judged } from "@/api/types";
import { Facts } from "@/components/Facts";
import { formatCount, formatPercent } from "@/components/format";
import { Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { Behind } from "./Block";
import { axisOf, countsOf, curveOf, heightsOf } from "./geometry";
import { IntervalRows } from "./IntervalRows";
import { exact, percents, rangeOf } from "./wording";

type Found = Judged["calibration"];

/** Whether chances come true: the reliability diagram with its counts, the error beside a perfect model's. */
export function Calibration({ calibration }: { calibration: Found }) {
  const { slope, intercept, error, error_of_a_perfect_model: perfect } = calibration;
  const lines = [
    [t.report.slope, slope, 1],
    [t.report.intercept, intercept, 0],
  ] as const;
  return (
    <Panel id="calibration" title={t.report.calibration}>
      <div className="grid gap-5">
        <p className="text-soft max-w-prose text-sm">{t.report.calibrationText}</p>
        <Diagram calibration={calibration} />
        <Facts
          rows={[
            [t.report.error, exact(error)],
            [t.report.perfectError, exact(perfect)],
          ]}
        />
        <div>
          {lines.map(([name, estimate, ideal]) => (
            <IntervalRows
              key={name}
              caption={name}
              rows={[{ name, estimate }]}
              axis={axisOf([estimate], [0, 1])}
              format={exact}
              mark={ideal}
            />
          ))}
        </div>
        <Behind title={t.report.numbers}>
          <Bins curve={calibration.curve} />
        </Behind>
      </div>
    </Panel>
  );
}

function Diagram({ calibration: { curve, error } }: { calibration: Found }) {
  const points = curveOf(curve);
  const path = points.map(({ x, y }) => `${x},${y}`).join(" ");
  return (
    <figure className="grid w-full max-w-sm grid-cols-[auto_minmax(0,1fr)] gap-x-2">
      <span aria-hidden="true" className="text-soft self-center text-xs [writing-mode:sideways-lr]">
        {t.report.cameTrue}
      </span>
      <svg
        viewBox="0 0 100 100"
        role="img"
        aria-label={t.report.calibrationAlt(curve.length, exact(error))}
        className="border-line aspect-square w-full overflow-visible border"
      >
        <g className="stroke-line" strokeWidth="1">
          {[25, 50, 75].map((at) => (
            <path key={at} d={`M${at} 0V100M0 ${at}H100`} vectorEffect="non-scaling-stroke" />
          ))}
        </g>
        <path d="M0 100L100 0" className="stroke-edge" strokeDasharray="4 4" vectorEffect="non-scaling-stroke" />
        <g className="stroke-accent" fill="none">
          {points.map(({ x, top, bottom }) => (
            <path
              key={x}
              d={`M${x} ${top}V${bottom}`}
              strokeWidth="5"
              opacity="0.35"
              vectorEffect="non-scaling-stroke"
            />
          ))}
          <polyline points={path} strokeWidth="2" vectorEffect="non-scaling-stroke" />
        </g>
        <g className="fill-accent">
          {points.map(({ x, y }) => (
            <circle key={x} cx={x} cy={y} r="1.8" />
          ))}
        </g>
      </svg>
      <Counts counts={countsOf(curve)} />
      <div aria-hidden="true" className="text-soft col-start-2 flex justify-between pt-1 text-xs tabular-nums">
        <span>{percents(0)}</span>
        <span>{t.report.given}</span>
        <span>{percents(1)}</span>
      </div>
    </figure>
  );
}

/** How many pairs each bin has, below the diagram. */
function Counts({ counts }: { counts: number[] }) {
  const heights = heightsOf(counts);
  return (
    <div aria-hidden="true" className="col-start-2 flex h-14 items-end pt-2">
      {counts.map((count, bin) => (
        <div key={bin} className="grid h-full min-w-0 flex-1 content-end justify-items-center gap-0.5">
          <span className="text-soft text-[0.625rem] leading-3 tabular-nums">
            {count === 0 ? "" : formatCount(count)}
          </span>
          <span className="bg-ink/15 w-4/5 rounded-t-sm" style={{ height: `${0.3 * (heights[bin] ?? 0)}px` }} />
        </div>
      ))}
    </div>
  );
}

function Bins({ curve }: { curve: Found["curve"] }) {
  const head = [t.report.bin, t.report.pairs, t.report.given, t.report.cameTrue, t.report.range];
  return (
    <Table caption={t.report.calibration} head={head}>
      {curve.map((bin) => (
        <tr key={bin.from}>
          <Cell head className="whitespace-nowrap">{`${percents(bin.from)} – ${percents(bin.to)}`}</Cell>
          <Cell>{formatCount(bin.pairs)}</Cell>
          <Cell>{formatPercent(bin.predicted)}</Cell>
          <Cell>{formatPercent(bin.observed)}</Cell>
          <Cell className="whitespace-nowrap">
            {rangeOf({ value: bin.observed, low: bin.low, high: bin.high }, percents)}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
