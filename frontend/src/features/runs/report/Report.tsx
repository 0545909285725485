import { useQuery } from "@tanstack/react-query";

import { reportQuery } from "@/api/runs";
import type { RewardReport, RunReport, SftReport } from "@/api/types";
import { Facts, factsOf } from "@/components/Facts";
import { formatFigure } from "@/components/format";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { Calibration } from "./Calibration";
import { DataChecks } from "./DataChecks";
import { Disagreements } from "./Disagreements";
import { Headline } from "./Headline";
import { ModelCard } from "./ModelCard";
import { Parts } from "./Parts";
import { ScoreSpread } from "./ScoreSpread";
import { SftFacts } from "./SftFacts";

/** What a finished run has to say: a kind this page does not know is told fact by fact. */
export function Report({ runId }: { runId: number }) {
  const report = useQuery(reportQuery(runId));
  if (report.isError) return <ErrorNote error={report.error} onRetry={report.refetch} />;
  if (report.data === undefined) return <Skeleton lines={6} />;
  return (
    <>
      <Sections found={report.data} />
      {report.data.has_card && <ModelCard runId={runId} />}
    </>
  );
}

function Sections({ found }: { found: RunReport }) {
  const { kind, metrics, report } = found;
  if (isReward(kind, report)) return <Reward report={report} />;
  if (isSft(kind, report)) return <SftFacts report={report} metrics={metrics} />;
  const facts = factsOf(report, formatFigure);
  if (facts.length === 0) return null;
  return (
    <Panel title={t.report.other}>
      <Facts rows={facts} />
    </Panel>
  );
}

function Reward({ report }: { report: RewardReport }) {
  const { judged, length_correlation: lengthCorrelation } = report;
  return (
    <>
      {judged === null ? (
        <Panel title={t.report.heldOut}>
          <p>{t.report.nothingHeldOut(report.held_out.reason ?? t.common.none)}</p>
        </Panel>
      ) : (
        <>
          <Headline judged={judged} lengthCorrelation={lengthCorrelation} />
          <Calibration calibration={judged.calibration} />
          <ScoreSpread scores={judged.scores} lengthCorrelation={lengthCorrelation} />
          <Parts judged={judged} report={report} />
        </>
      )}
      <DataChecks report={report} />
      {judged !== null && <Disagreements rows={judged.disagreements} />}
    </>
  );
}

/** A report in the shape of this version; an older one comes as it was written. */
function isReward(kind: string, report: RunReport["report"]): report is RewardReport {
  return kind === "reward" && "judged" in report && "by_split" in report && "preflight" in report;
}

function isSft(kind: string, report: RunReport["report"]): report is SftReport {
  return kind === "sft" && "conversations" in report && "tokens" in report;
}
