import { useState } from "react";

import { Button } from "@/components/Button";
import { Chart, type Points } from "@/components/Chart";
import { formatFigure, fromSlug } from "@/components/format";
import { Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

type Series = Readonly<Record<string, Points>>;

/** Every figure as a small curve with its last value; all the numbers one click away. */
export function Curves({ series }: { series: Series }) {
  const [asNumbers, setAsNumbers] = useState(false);
  const names = Object.keys(series).sort();
  // A figure that was told once is no curve: it stands among the numbers and in the result.
  const curves = names.filter((name) => (series[name]?.length ?? 0) > 1);
  const toggle = (
    <Button size="small" onClick={() => setAsNumbers(!asNumbers)}>
      {asNumbers ? t.runs.showCurves : t.runs.showNumbers}
    </Button>
  );
  return (
    <Panel id="curves" title={t.runs.curves} actions={names.length > 0 && toggle} flush={asNumbers}>
      {curves.length === 0 && !asNumbers && <p className="text-soft">{t.runs.noCurves}</p>}
      {asNumbers ? (
        <Numbers names={names} series={series} />
      ) : (
        <div className="grid grid-cols-[repeat(auto-fill,minmax(min(19rem,100%),1fr))] gap-x-8 gap-y-6">
          {curves.map((name) => (
            <Curve key={name} name={name} points={series[name] ?? []} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function Curve({ name, points }: { name: string; points: Points }) {
  const last = formatFigure(points.at(-1)?.[1]);
  return (
    <figure className="grid min-w-0 gap-1">
      <figcaption className="flex items-baseline gap-2 text-sm">
        <span className="text-soft mr-auto truncate">{fromSlug(name.replaceAll("/", " · "))}</span>
        <span className="text-base font-semibold tabular-nums">{last}</span>
      </figcaption>
      <Chart points={points} label={t.runs.chart(name, points.length, last)} height={140} />
    </figure>
  );
}

function Numbers({ names, series }: { names: string[]; series: Series }) {
  const steps = [...new Set(names.flatMap((name) => (series[name] ?? []).map(([step]) => step)))].sort((a, b) => a - b);
  const at = new Map(names.map((name) => [name, new Map(series[name])]));
  return (
    <Table caption={t.runs.numbers} head={[t.runs.stepColumn, ...names]}>
      {steps.map((step) => (
        <tr key={step}>
          <Cell head>{step}</Cell>
          {names.map((name) => (
            <Cell key={name}>{formatFigure(at.get(name)?.get(step))}</Cell>
          ))}
        </tr>
      ))}
    </Table>
  );
}
