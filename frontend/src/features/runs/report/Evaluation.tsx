import type { EvaluationReport } from "@/api/types";
import { formatCount, formatPercent } from "@/components/format";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { AnyReport } from "./AnyReport";
import { Block } from "./Block";
import { type Axis, axisOf } from "./geometry";
import { IntervalRows } from "./IntervalRows";
import { OverOptimisation } from "./OverOptimisation";
import { percents } from "./wording";

const EVEN = 0.5;
const TONES = { better: "good", worse: "bad", "within noise": "neutral" } as const;

/** A policy beside other models: how often it wins before whom, how far it went for that, and all the rest. */
export function Evaluation({ report }: { report: EvaluationReport }) {
  const { prompts, completions_per_prompt: each, judges, comparisons, curve, ...others } = report;
  const axis = axisOf(
    comparisons.flatMap((one) => [one.win_rate, one.length_matched_win_rate]),
    [EVEN],
  );
  return (
    <>
      <Panel title={t.report.wins}>
        <div className="grid gap-6">
          <p className="text-soft max-w-prose text-sm">
            {t.report.winsText(formatCount(prompts), formatCount(each))} {t.report.proxyText}
          </p>
          {comparisons.length === 0 && <p>{t.report.noJudge}</p>}
          <div className="grid gap-x-10 gap-y-7 lg:grid-cols-2">
            {comparisons.map((one) => (
              <Compared key={`${one.judge} ${one.against}`} compared={one} axis={axis} why={whyOf(judges, one.judge)} />
            ))}
          </div>
        </div>
      </Panel>
      {curve.length > 1 && <OverOptimisation curve={curve} />}
      <AnyReport report={others} />
    </>
  );
}

function whyOf(judges: EvaluationReport["judges"], name: string): string | undefined {
  return judges.find((one) => one.name === name)?.why;
}

interface ComparedProps {
  compared: EvaluationReport["comparisons"][number];
  /** The same for all, so that they can be compared. */
  axis: Axis;
  why: string | undefined;
}

function Compared({ compared, axis, why }: ComparedProps) {
  const { against, judge, standing, verdict } = compared;
  const rows = [
    { name: t.report.winRate, estimate: compared.win_rate },
    { name: t.report.lengthMatched, estimate: compared.length_matched_win_rate, beside: true },
  ];
  return (
    <Block title={t.report.against(against, judge)} text={why}>
      <p className="flex flex-wrap gap-2">
        {/* What a proxy says is no verdict: it had a hand in the model. */}
        <Pill tone={standing === "judge" ? TONES[verdict] : "neutral"}>{t.report.winVerdicts[verdict]}</Pill>
        {standing === "proxy" && <Pill tone="warn">{t.report.standings.proxy}</Pill>}
      </p>
      <IntervalRows
        caption={t.report.against(against, judge)}
        rows={rows}
        axis={axis}
        format={formatPercent}
        bare={percents}
        mark={EVEN}
      />
    </Block>
  );
}
