import { Link } from "@tanstack/react-router";

import type { DriftStep, DriftWins } from "@/api/types";
import { formatPercent } from "@/components/format";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Cell, Table } from "@/components/Table";
import { rangeOf } from "@/features/runs/report/wording";
import { t } from "@/strings";

import { wordsOf } from "./figures";

const TONES = { people: "good", judge: "accent", proxy: "warn" } as const;

/** The numbers behind the pictures: a row for each version, oldest first. */
export function Steps({ steps, projectId }: { steps: readonly DriftStep[]; projectId: number }) {
  const { kl, before, first, reward, tokens, stopped, repetition, distinct } = t.drift.columns;
  const head = [t.drift.version, kl, before, first, reward, tokens, stopped, repetition, distinct];
  return (
    <Panel title={t.drift.table} flush>
      <Table caption={t.drift.table} head={head}>
        {steps.map((step) => (
          <Row key={step.version.id} step={step} projectId={projectId} />
        ))}
      </Table>
    </Panel>
  );
}

function Row({ step, projectId }: { step: DriftStep; projectId: number }) {
  const { version, measured } = step;
  return (
    <tr className="tabular-nums">
      <Cell head>
        <span className="grid justify-items-start gap-1">
          <Name step={step} projectId={projectId} />
          {version.stage !== "archived" && (
            <Pill tone={version.stage === "live" ? "good" : "warn"}>{t.runs.models.stages[version.stage]}</Pill>
          )}
          {measured === null && <Pill>{t.drift.notMeasured}</Pill>}
          {measured?.comparable === false && (
            <span className="text-soft text-sm font-normal">{t.drift.otherBasisText}</span>
          )}
        </span>
      </Cell>
      <Cell>
        <Distance step={step} />
      </Cell>
      <Cell>
        <Wins wins={step.against_before} />
      </Cell>
      <Cell>
        <Wins wins={step.against_first} />
      </Cell>
      <Cell>
        {wordsOf("reward", measured?.reward?.value)}
        <Small>{measured?.reward == null ? "" : rangeOf(measured.reward, (value) => wordsOf("reward", value))}</Small>
      </Cell>
      <Cell>
        {wordsOf("tokens", measured?.tokens?.value)}
        <Small>{measured?.tokens == null ? "" : rangeOf(measured.tokens, (value) => wordsOf("tokens", value))}</Small>
      </Cell>
      <Cell>{formatPercent(measured?.stopped)}</Cell>
      <Cell>{formatPercent(measured?.repetition)}</Cell>
      <Cell>{formatPercent(measured?.distinct_2)}</Cell>
    </tr>
  );
}

/** The version's name leads to the run that measured it. */
function Name({ step: { version, measured }, projectId }: { step: DriftStep; projectId: number }) {
  if (measured === null) return <span>{version.name}</span>;
  return (
    <Link
      to="/p/$projectId/runs/$runId"
      params={{ projectId, runId: measured.run_id }}
      title={t.drift.openRun(version.name)}
      className="text-accent underline underline-offset-2"
    >
      {version.name}
    </Link>
  );
}

function Distance({ step: { version, measured } }: { step: DriftStep }) {
  if (measured?.kl == null) return <>{t.common.none}</>;
  if (measured.reference_id === version.id) return <span className="text-soft">{t.drift.isStart}</span>;
  const { value, standard_error: error, per_token: token } = measured.kl;
  return (
    <>
      <span className="whitespace-nowrap">
        {error === 0 ? wordsOf("kl", value) : t.drift.plusMinus(wordsOf("kl", value), wordsOf("kl", error))}
      </span>
      <Small>{t.drift.perToken(wordsOf("kl", token))}</Small>
    </>
  );
}

function Wins({ wins }: { wins: DriftWins | null }) {
  if (wins === null) return <>{t.common.none}</>;
  return (
    <>
      <span className="flex items-center gap-2 whitespace-nowrap">
        {formatPercent(wins.value)} <Pill tone={TONES[wins.by]}>{t.drift.by[wins.by]}</Pill>
      </span>
      <Small>{rangeOf(wins, formatPercent)}</Small>
    </>
  );
}

function Small({ children }: { children: string }) {
  return children === "" ? null : <span className="text-soft block text-sm whitespace-nowrap">{children}</span>;
}
