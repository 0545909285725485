import type { Estimate, Judged } from "@/api/types";
import { cx } from "@/components/cx";
import { formatCount, formatPercent, fromSlug } from "@/components/format";
import type { Tone } from "@/components/Pill";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { Block } from "./Block";
import { axisOf } from "./geometry";
import { type IntervalRow, IntervalRows } from "./IntervalRows";
import { exact, percents, type Verdict, verdictsOf } from "./wording";

const COIN = 0.5;

/** What the model is worth on judgments that were kept from it: in sentences, then in figures with their intervals. */
export function Headline({ judged, lengthCorrelation }: { judged: Judged; lengthCorrelation: number | null }) {
  const { judgments, decided, groups, split, read_by: readBy } = judged;
  const counts = [judgments, decided, groups].map(formatCount);
  return (
    <Panel id="held-out" title={t.report.heldOut}>
      <div className="grid gap-6">
        <ul className="grid gap-2">
          {verdictsOf(judged, lengthCorrelation).map((verdict) => (
            <Sentence key={verdict.text} {...verdict} />
          ))}
        </ul>
        <div className="grid gap-x-10 gap-y-7 lg:grid-cols-2">
          <Accuracy judged={judged} />
          <div className="grid content-start gap-7">
            <LogLoss judged={judged} />
            <Order judged={judged} />
          </div>
        </div>
        <p className="text-soft max-w-prose text-sm">
          {t.report.basis(counts[0] ?? "", counts[1] ?? "", counts[2] ?? "", t.report.split[split] ?? fromSlug(split))}{" "}
          {t.report.readBy[readBy] ?? ""}
        </p>
      </div>
    </Panel>
  );
}

const DOTS: Record<Tone, string> = {
  neutral: "bg-edge",
  accent: "bg-accent",
  good: "bg-good",
  warn: "bg-warn",
  bad: "bg-bad",
};

function Sentence({ tone, text }: Verdict) {
  return (
    <li className="flex max-w-[80ch] gap-3">
      <span aria-hidden="true" className={cx("mt-2 size-2 shrink-0 rounded-full", DOTS[tone])} />
      <span>{text}</span>
    </li>
  );
}

function Accuracy({ judged }: { judged: Judged }) {
  const { accuracy, longer_is_better: longer, ceiling, decided } = judged;
  const note = t.report.counted(formatCount(decided));
  const rows: IntervalRow[] = [
    { name: t.report.model, note, estimate: accuracy },
    { name: t.report.longer, note, estimate: longer, beside: true },
  ];
  if (ceiling !== null) {
    const same = t.report.judgedPairs(formatCount(ceiling.judgments));
    rows.push(
      { name: t.report.people, note: same, estimate: ceiling.people, beside: true },
      { name: t.report.modelOnSame, note: same, estimate: ceiling.model },
      { name: t.report.longerOnSame, note: same, estimate: ceiling.longer_is_better, beside: true },
    );
  }
  const estimates = rows.map((row) => row.estimate);
  return (
    <Block title={t.report.accuracy} text={t.report.accuracyText}>
      <IntervalRows
        caption={t.report.accuracy}
        rows={rows}
        axis={axisOf(estimates, [COIN])}
        format={formatPercent}
        bare={percents}
        mark={COIN}
      />
      {ceiling !== null && (
        <>
          <IntervalRows
            caption={t.report.reached}
            rows={[{ name: t.report.reached, estimate: ceiling.reached }]}
            axis={axisOf([], [0, 1, ...onPaper(ceiling.reached)])}
            format={exact}
          />
          <p className="text-soft text-xs">{t.report.reachedText}</p>
        </>
      )}
    </Block>
  );
}

/** The ends of an interval as far as a picture can show them: few pairs make this share wild. */
function onPaper({ value, low, high }: Estimate): number[] {
  return [value, low, high].flatMap((one) => (typeof one === "number" ? [Math.min(2, Math.max(-1, one))] : []));
}

function LogLoss({ judged: { log_loss: loss, undecided_log_loss: equal } }: { judged: Judged }) {
  const rows = [
    { name: t.report.model, estimate: loss },
    { name: t.report.equalScores, estimate: equal, beside: true },
  ];
  return (
    <Block title={t.report.logLoss} text={t.report.logLossText}>
      <IntervalRows caption={t.report.logLoss} rows={rows} axis={axisOf([loss, equal])} format={exact} />
    </Block>
  );
}

function Order({ judged: { tau_b: tau, tie_auc: auc, brier } }: { judged: Judged }) {
  const figures = [
    [t.report.tauB, tau, [-1, 1], 0],
    [t.report.tieAuc, auc, [0, 1], COIN],
    [t.report.brier, brier, [0, 0.5], 0.25],
  ] as const;
  return (
    <Block title={t.report.order} text={t.report.orderText}>
      {figures.map(([name, estimate, axis, mark]) => (
        <IntervalRows key={name} caption={name} rows={[{ name, estimate }]} axis={axis} format={exact} mark={mark} />
      ))}
    </Block>
  );
}
