import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { reportQuery } from "@/api/runs";
import type { RewardReport, RunReport } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { AnyReport } from "./AnyReport";
import { BlindVerdicts } from "./BlindVerdicts";
import { Calibration } from "./Calibration";
import { DataChecks } from "./DataChecks";
import { Disagreements } from "./Disagreements";
import { Evaluation } from "./Evaluation";
import { GatePanel } from "./GatePanel";
import { Headline } from "./Headline";
import { ModelCard } from "./ModelCard";
import { Parts } from "./Parts";
import { ScoreSpread } from "./ScoreSpread";
import { SftFacts } from "./SftFacts";
import { knownOf } from "./shapes";

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
      <Sections runId={runId} found={report.data} hasCard={report.data.has_card} />
      {report.data.has_card && <ModelCard runId={runId} />}
    </>
  );
}

function Sections({ runId, found, hasCard }: { runId: number; found: RunReport; hasCard: boolean }) {
  const known = knownOf(found);
  if (known.shape === "reward") return <Reward runId={runId} report={known.report} hasCard={hasCard} />;
  if (known.shape === "sft") return <SftFacts report={known.report} metrics={found.metrics} />;
  if (known.shape === "evaluation") {
    return (
      <>
        <BlindVerdicts runId={runId} />
        <Evaluation report={known.report} />
      </>
    );
  }
  return <AnyReport report={known.report} />;
}

function Reward({ runId, report, hasCard }: { runId: number; report: RewardReport; hasCard: boolean }) {
  const { judged, length_correlation: lengthCorrelation } = report;
  const data = <DataChecks report={report} />;
  const gate = report.gate != null && <GatePanel runId={runId} />;
  if (judged === null) {
    return (
      <>
        <Panel title={t.report.heldOut}>
          <p>{t.report.nothingHeldOut(report.held_out.reason ?? t.common.none)}</p>
        </Panel>
        {gate}
        {data}
      </>
    );
  }
  return (
    <>
      <Contents hasCard={hasCard} />
      <Headline judged={judged} lengthCorrelation={lengthCorrelation} />
      {gate}
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
