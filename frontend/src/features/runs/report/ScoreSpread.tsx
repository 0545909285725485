import { useState } from "react";

import type { Judged } from "@/api/types";
import { Button } from "@/components/Button";
import { Facts } from "@/components/Facts";
import { formatCount } from "@/components/format";
import { Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { Behind, Block } from "./Block";
import { axisOf, barsOf, placeOf, spanOf } from "./geometry";
import { exact } from "./wording";

const FEW = 6;

type Scores = Judged["scores"];

/** How the scores are spread: all of them, those of each model, and how they go with length. */
export function ScoreSpread({ scores, lengthCorrelation }: { scores: Scores; lengthCorrelation: number | null }) {
  const histogram = scores.histogram ?? null;
  const models = scores.by_model ?? [];
  return (
    <Panel id="scores" title={t.report.scores}>
      <div className="grid gap-6">
        {histogram !== null && <Spread histogram={histogram} around={scores.around_prompt_mean} />}
        {models.length > 0 && <ByModel models={models} />}
        <Facts
          className="max-w-md"
          rows={[
            [t.report.distance, exact(scores.distance["50"])],
            [t.report.length, exact(lengthCorrelation)],
          ]}
        />
      </div>
    </Panel>
  );
}

function Spread({
  histogram,
  around,
}: {
  histogram: NonNullable<Scores["histogram"]>;
  around: Record<string, number>;
}) {
  const bars = barsOf(histogram);
  const [first, last] = [histogram.edges[0] ?? 0, histogram.edges.at(-1) ?? 0];
  const count = formatCount(histogram.counts.reduce((sum, one) => sum + one, 0));
  const alt = t.report.scoresAlt(count, exact(around["50"]), exact(around["25"]), exact(around["75"]));
  return (
    <div className="grid gap-2">
      <p className="text-soft max-w-prose text-sm">{t.report.scoresText}</p>
      <div role="img" aria-label={alt} className="border-edge flex h-36 items-end gap-px border-b">
        {bars.map((bar) => (
          <div key={bar.from} className="bg-accent/70 flex-1 rounded-t-sm" style={{ height: `${bar.height}%` }} />
        ))}
      </div>
      <div aria-hidden="true" className="text-soft relative flex h-4 justify-between text-xs tabular-nums">
        <span>{exact(first)}</span>
        {first < 0 && last > 0 && (
          <span className="absolute -translate-x-1/2" style={{ left: `${placeOf(0, [first, last])}%` }}>
            {exact(0)}
          </span>
        )}
        <span>{exact(last)}</span>
      </div>
      <Behind title={t.report.numbers}>
        <Table caption={t.report.scores} head={[t.report.from, t.report.to, t.report.completions]}>
          {bars.map((bar) => (
            <tr key={bar.from}>
              <Cell head>{exact(bar.from)}</Cell>
              <Cell>{exact(bar.to)}</Cell>
              <Cell>{formatCount(bar.count)}</Cell>
            </tr>
          ))}
        </Table>
      </Behind>
    </div>
  );
}

function ByModel({ models }: { models: NonNullable<Scores["by_model"]> }) {
  const [all, setAll] = useState(false);
  const ends = models.flatMap(({ percentiles }) => [percentiles["5"], percentiles["95"]]);
  const axis = axisOf([], [0, ...ends.filter((end) => end !== undefined)]);
  return (
    <Block title={t.report.scoresByModel} text={t.report.scoresByModelText}>
      <table className="w-full table-fixed text-sm">
        <caption className="sr-only">{t.report.scoresByModel}</caption>
        <colgroup>
          <col className="w-2/5" />
          <col />
          <col className="w-27" />
        </colgroup>
        <thead className="sr-only">
          <tr>
            <th scope="col">{t.report.model}</th>
            <td />
            <th scope="col">{t.report.median}</th>
          </tr>
        </thead>
        <tbody>
          {(all ? models : models.slice(0, FEW)).map(({ model, completions, percentiles }) => (
            <tr key={model}>
              <th scope="row" className="py-1.5 text-start font-medium">
                <span className="wrap-anywhere">{model}</span>
                <span className="text-soft block text-xs font-normal">
                  {t.report.completionsCounted(formatCount(completions))}
                </span>
              </th>
              <td className="px-3" aria-hidden="true">
                <Box percentiles={percentiles} axis={axis} />
              </td>
              <td className="text-end whitespace-nowrap tabular-nums">
                <span className="block font-semibold">{exact(percentiles["50"])}</span>
                <span className="text-soft block text-xs">
                  {t.report.interval(exact(percentiles["5"]), exact(percentiles["95"]))}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {models.length > FEW && (
        <Button size="small" className="justify-self-start" onClick={() => setAll(!all)}>
          {all ? t.report.showFewer : t.report.showAll(formatCount(models.length))}
        </Button>
      )}
    </Block>
  );
}

function Box({ percentiles, axis }: { percentiles: Record<string, number>; axis: readonly [number, number] }) {
  const wide = spanOf(percentiles["5"], percentiles["95"], axis);
  const half = spanOf(percentiles["25"], percentiles["75"], axis);
  return (
    <div className="relative h-9">
      <div className="border-edge absolute inset-y-1 border-s border-dashed" style={{ left: `${placeOf(0, axis)}%` }} />
      {wide !== null && (
        <div className="bg-edge absolute top-1/2 h-px" style={{ left: `${wide.start}%`, width: `${wide.width}%` }} />
      )}
      {half !== null && (
        <div
          className="bg-accent/40 absolute top-1/2 h-3 -translate-y-1/2 rounded-sm"
          style={{ left: `${half.start}%`, width: `${half.width}%` }}
        />
      )}
      <div
        className="bg-accent absolute top-1/2 h-4 w-0.5 -translate-x-1/2 -translate-y-1/2"
        style={{ left: `${placeOf(percentiles["50"] ?? 0, axis)}%` }}
      />
    </div>
  );
}
