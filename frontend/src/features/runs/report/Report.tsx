import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { reportQuery } from "@/api/runs";
import type { EvaluationReport, RewardReport, RunReport, SftReport } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { AnyReport } from "./AnyReport";
import { Calibration } from "./Calibration";
import { DataChecks } from "./DataChecks";
import { Disagreements } from "./Disagreements";
import { Evaluation } from "./Evaluation";
import { Headline } from "./Headline";
import { ModelCard } from "./ModelCard";
import { Parts } from "./Parts";
import { ScoreSpread } from "./ScoreSpread";
import { SftFacts } from "./SftFacts";

/** What a finished run has to say: a kind this page does not know is told fact by fact. */
export function Report({ runId }: { runId: number }) {
  const report = useQuery(reportQuery(runId));
  const isHere = report.isSuccess;
  // An address that names a part was opened before that part was there.
  useEffect(() => {
    const { hash } = globalThis.location;
    if (isHere && hash !== "") document.getElementById(hash.slice(1))?.scrollIntoView();
  }, [isHere]);
  if (report.isError) return <ErrorNote error={report.error} onRetry={report.refetch} />;
  if (report.data === undefined) return <Skeleton lines={6} />;
  return (
    <>
      <Sections found={report.data} hasCard={report.data.has_card} />
      {report.data.has_card && <ModelCard runId={runId} />}
    </>
  );
}

function Sections({ found, hasCard }: { found: RunReport; hasCard: boolean }) {
  const { kind, metrics, report } = found;
  if (isReward(kind, report)) return <Reward report={report} hasCard={hasCard} />;
  if (isSft(kind, report)) return <SftFacts report={report} metrics={metrics} />;
  if (isEvaluation(kind, report)) return <Evaluation report={report} />;
  return <AnyReport report={report} />;
}

function Reward({ report, hasCard }: { report: RewardReport; hasCard: boolean }) {
  const { judged, length_correlation: lengthCorrelation } = report;
  const data = <DataChecks report={report} />;
  if (judged === null) {
    return (
      <>
        <Panel title={t.report.heldOut}>
          <p>{t.report.nothingHeldOut(report.held_out.reason ?? t.common.none)}</p>
        </Panel>
        {data}
      </>
    );
  }
  return (
    <>
      <Contents hasCard={hasCard} />
      <Headline judged={judged} lengthCorrelation={lengthCorrelation} />
      <div className="grid items-start gap-5 xl:grid-cols-2">
        <Calibration calibration={judged.calibration} />
        <ScoreSpread scores={judged.scores} lengthCorrelation={lengthCorrelation} />
      </div>
      <Parts judged={judged} report={report} />
      <Disagreements rows={judged.disagreements} />
      {data}
    </>
  );
}

/** The way to each part of a long page. */
function Contents({ hasCard }: { hasCard: boolean }) {
  const parts = [
    ["calibration", t.report.calibration],
    ["scores", t.report.scores],
    ["parts", t.report.parts],
    ["disagreements", t.report.disagreements],
    ["data", t.report.data],
    ...(hasCard ? [["card", t.report.card]] : []),
    ["curves", t.runs.curves],
  ];
  return (
    <nav aria-label={t.runs.contents} className="-ms-3 -my-1 flex flex-wrap gap-x-1">
      {parts.map(([id, name]) => (
        <a key={id} href={`#${id}`} className={buttonClass("quiet", "small")}>
          {name}
        </a>
      ))}
    </nav>
  );
}

/** A report in the shape of this version; an older one comes as it was written. */
function isReward(kind: string, report: RunReport["report"]): report is RewardReport {
  return kind === "reward" && "judged" in report && "by_split" in report && "preflight" in report;
}

function isEvaluation(kind: string, report: RunReport["report"]): report is EvaluationReport {
  return kind === "evaluate" && "comparisons" in report && "curve" in report;
}

function isSft(kind: string, report: RunReport["report"]): report is SftReport {
  return kind === "sft" && "conversations" in report && "tokens" in report;
}
