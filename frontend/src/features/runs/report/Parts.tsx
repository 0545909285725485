import { useState } from "react";

import type { Judged, RewardReport } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount, formatPercent, fromSlug } from "@/components/format";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { Block } from "./Block";
import { axisOf } from "./geometry";
import { type IntervalRow, IntervalRows } from "./IntervalRows";
import { tablesOf } from "./parts";
import { exact, percents } from "./wording";

const FEW = 8;
const COIN = 0.5;
const SPLITS = ["train", "validation", "test"];

/** Accuracy by everything that varies, and what was learnt about people. */
export function Parts({ judged, report }: { judged: Judged; report: RewardReport }) {
  const tables = tablesOf(judged.parts);
  const people = tables.some((one) => one.name === "annotator");
  return (
    <Panel id="parts" title={t.report.parts}>
      <div className="grid gap-6">
        <p className="text-soft max-w-prose text-sm">{t.report.partsText}</p>
        <div className="gap-x-10 lg:columns-2 [&>:last-child]:mb-0">
          <BySplit splits={report.by_split} />
          {tables.map((table) => (
            <Shares
              key={table.name}
              title={table.title}
              text={table.name === "annotator" ? t.report.enough : undefined}
              rows={table.rows}
            />
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

/** Train before validation before test, as they are used. */
function inOrder([one]: [string, unknown], [other]: [string, unknown]): number {
  return SPLITS.indexOf(one) - SPLITS.indexOf(other);
}

/** Without intervals: these figures also tell how much better the model does on what it has learnt from. */
function BySplit({ splits }: { splits: RewardReport["by_split"] }) {
  const rows = Object.entries(splits)
    .sort(inOrder)
    .map(([split, { accuracy, log_loss: loss, pairs }]) => ({
      name: t.report.split[split] ?? fromSlug(split),
      note: t.report.splitNote(formatCount(pairs), exact(loss)),
      estimate: { value: accuracy },
    }));
  return <Shares title={t.report.bySplit} rows={rows} />;
}

function Learnt({ people }: { people: NonNullable<RewardReport["people"]> }) {
  const rows = people.map(({ annotator, judgments, scale, tie_shift: tie }) => ({
    name: t.report.value.annotator(annotator),
    note: t.report.learntNote(formatCount(judgments), exact(tie)),
    estimate: { value: scale },
  }));
  return <Shares title={t.report.learntPeople} text={t.report.learntPeopleText} rows={rows} scale="sharpness" />;
}

interface SharesProps {
  title: string;
  text?: string | undefined;
  rows: readonly IntervalRow[];
  scale?: "share" | "sharpness";
}

/** A table of figures on an axis of its own, the first few of them until all are asked for. */
function Shares({ title, text, rows, scale = "share" }: SharesProps) {
  const [all, setAll] = useState(false);
  const mark = scale === "share" ? COIN : 1;
  const axis = axisOf(
    rows.map((row) => row.estimate),
    [mark],
  );
  const formats = scale === "share" ? { format: formatPercent, bare: percents } : { format: exact };
  return (
    <div className="mb-8 break-inside-avoid">
      <Block title={title} text={text}>
        <IntervalRows caption={title} rows={all ? rows : rows.slice(0, FEW)} axis={axis} mark={mark} {...formats} />
        {rows.length > FEW && (
          <Button size="small" className="justify-self-start" onClick={() => setAll(!all)}>
            {all ? t.report.showFewer : t.report.showAll(formatCount(rows.length))}
          </Button>
        )}
      </Block>
    </div>
  );
}
