import { type ReactNode, useState } from "react";

import type { Judged } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount, formatPercent } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { exact, votesText } from "./wording";

const FEW = 3;

type Disagreement = Judged["disagreements"][number];

/** Where the model is furthest from people, to be read: the prompt, both answers, what everybody said. */
export function Disagreements({ rows }: { rows: readonly Disagreement[] }) {
  const [all, setAll] = useState(false);
  return (
    <Panel id="disagreements" title={t.report.disagreements}>
      <p className="text-soft max-w-prose text-sm">
        {rows.length === 0 ? t.report.noDisagreements : t.report.disagreementsText}
      </p>
      <ol className="divide-line grid divide-y">
        {(all ? rows : rows.slice(0, FEW)).map((row) => (
          <Case key={`${row.prompt}-${row.line}`} row={row} />
        ))}
      </ol>
      {rows.length > FEW && !all && (
        <Button className="mt-6" onClick={() => setAll(true)}>
          {t.report.showAll(formatCount(rows.length))}
        </Button>
      )}
    </Panel>
  );
}

function Case({ row }: { row: Disagreement }) {
  const votes = row.votes == null ? null : votesText(row.votes);
  return (
    <li className="grid gap-3 py-6 last:pb-0">
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <span className="font-semibold">{t.report.prompt(String(row.prompt))}</span>
        <Pill tone="warn">{t.report.chance(formatPercent(row.chance))}</Pill>
        {votes?.tie != null && <span className="text-soft">{votes.tie}</span>}
      </p>
      <div className="max-w-[80ch]">
        <Markdown text={row.asked} />
      </div>
      <div className="grid gap-3 md:grid-cols-2">
        <Answer text={row.preferred} head={<Pill tone="good">{t.report.preferred}</Pill>} votes={votes?.preferred} />
        <Answer
          text={row.other}
          head={
            <>
              <Pill tone="accent">{t.report.scoredHigher}</Pill>
              {row.margin != null && (
                <span className="text-soft text-sm tabular-nums">{t.report.margin(exact(Math.abs(row.margin)))}</span>
              )}
            </>
          }
          votes={votes?.other}
        />
      </div>
    </li>
  );
}

function Answer({ text, head, votes }: { text: string; head: ReactNode; votes: string | undefined }) {
  return (
    <article className="border-line bg-sunken grid content-start gap-3 rounded-xl border p-4">
      <p className="flex flex-wrap items-center gap-2">
        {head}
        {votes !== undefined && <span className="text-soft ms-auto text-sm tabular-nums">{votes}</span>}
      </p>
      <Markdown text={text} />
    </article>
  );
}
