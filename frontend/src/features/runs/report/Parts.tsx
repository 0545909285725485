import { useState } from "react";

import type { Judged, RewardReport } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount, formatPercent, fromSlug } from "@/components/format";
import { Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { Block } from "./Block";
import { axisOf } from "./geometry";
import { IntervalRows } from "./IntervalRows";
import { type PartTable, tablesOf } from "./parts";
import { exact } from "./wording";

const FEW = 8;
const COIN = 0.5;

/** Accuracy by everything that varies, on one axis, so that the parts can be compared with each other. */
export function Parts({ judged, report }: { judged: Judged; report: RewardReport }) {
  const tables = tablesOf(judged.parts);
  const people = tables.some((one) => one.name === "annotator");
  return (
    <Panel title={t.report.parts}>
      <div className="grid gap-6">
        <p className="text-soft max-w-prose text-sm">{t.report.partsText}</p>
        <div className="grid gap-x-10 gap-y-8 lg:grid-cols-2">
          <BySplit splits={report.by_split} />
          {tables.map((table) => (
            <PartRows key={table.name} table={table} />
          ))}
          {!people && (
            <Block title={t.report.part.annotator ?? ""} text={t.report.nobodyEnough}>
              {null}
            </Block>
          )}
          {report.people != null && <Learnt people={report.people} />}
        </div>
      </div>
    </Panel>
  );
}

function PartRows({ table }: { table: PartTable }) {
  const [all, setAll] = useState(false);
  const shown = all ? table.rows : table.rows.slice(0, FEW);
  const axis = axisOf(
    table.rows.map((row) => row.estimate),
    [COIN],
  );
  return (
    <Block title={table.title} text={table.name === "annotator" ? t.report.enough : undefined}>
      <IntervalRows caption={table.title} rows={shown} axis={axis} format={formatPercent} mark={COIN} />
      {table.rows.length > FEW && (
        <Button size="small" className="justify-self-start" onClick={() => setAll(!all)}>
          {all ? t.report.showFewer : t.report.showAll(formatCount(table.rows.length))}
        </Button>
      )}
    </Block>
  );
}

function BySplit({ splits }: { splits: RewardReport["by_split"] }) {
  return (
    <Block title={t.report.bySplit}>
      <Table
        caption={t.report.bySplit}
        head={[t.report.bySplit, t.report.pairs, t.report.accuracy, t.report.logLoss]}
        className="-mx-5"
      >
        {Object.entries(splits).map(([split, figures]) => (
          <tr key={split}>
            <Cell head>{t.report.split[split] ?? fromSlug(split)}</Cell>
            <Cell>{formatCount(figures.pairs)}</Cell>
            <Cell>{formatPercent(figures.accuracy)}</Cell>
            <Cell>{exact(figures.log_loss)}</Cell>
          </tr>
        ))}
      </Table>
    </Block>
  );
}

function Learnt({ people }: { people: NonNullable<RewardReport["people"]> }) {
  return (
    <Block title={t.report.learntPeople} text={t.report.learntPeopleText}>
      <Table
        caption={t.report.learntPeople}
        head={[t.report.part.annotator, t.report.judgments, t.report.sharpness, t.report.tieShift]}
        className="-mx-5 max-h-80 overflow-y-auto"
      >
        {people.map((person) => (
          <tr key={person.annotator}>
            <Cell head>{person.annotator}</Cell>
            <Cell>{formatCount(person.judgments)}</Cell>
            <Cell>{exact(person.scale)}</Cell>
            <Cell>{exact(person.tie_shift)}</Cell>
          </tr>
        ))}
      </Table>
    </Block>
  );
}
