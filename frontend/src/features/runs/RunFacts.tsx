import { Link } from "@tanstack/react-router";

import type { Run } from "@/api/types";
import { Facts, factsOf } from "@/components/Facts";
import { formatBytes, formatFigure, formatSeconds } from "@/components/format";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { t } from "@/strings";

/** Seconds a run has worked, or took. */
export function secondsOf(run: Run): number | null {
  if (run.started_at === null) return null;
  const end = run.finished_at === null ? Date.now() : Date.parse(run.finished_at);
  return (end - Date.parse(run.started_at)) / 1000;
}

export function RunFacts({ run }: { run: Run }) {
  const took = secondsOf(run);
  const model =
    run.model_version_id === null ? null : (
      <Link
        to="/p/$projectId/models"
        params={{ projectId: run.project_id }}
        search={{ model: run.model_version_id }}
        className="text-accent underline underline-offset-2"
      >
        {`#${run.model_version_id}`}
      </Link>
    );
  return (
    <div className="grid gap-5">
      <Panel title={t.runs.facts}>
        <Facts
          rows={[
            [t.runs.createdBy, run.created_by?.name ?? t.runs.service],
            [t.runs.created, <Time key="created" iso={run.created_at} />],
            [t.runs.took, took === null ? null : formatSeconds(took)],
            [t.runs.queue, run.attempt > 1 ? `${run.queue}, ${t.runs.attempt(run.attempt)}` : run.queue],
            [t.order.priority, t.order.levels[run.priority]],
            [t.order.devices, run.devices === null ? null : String(run.devices)],
            [t.runs.seed, String(run.seed)],
            ...Object.entries(run.models).map(([role, id]): [string, string] => [role, `#${id}`]),
            [t.runs.snapshot, run.dataset_snapshot_id === null ? null : `#${run.dataset_snapshot_id}`],
            [t.runs.model, model],
          ]}
        />
      </Panel>
      {run.result !== null && Object.keys(run.result).length > 0 && (
        <Panel title={t.runs.result}>
          <Facts rows={resultRows(run.result)} />
        </Panel>
      )}
      <Panel title={t.runs.config}>
        <Facts rows={factsOf(run.config, formatFigure)} />
      </Panel>
    </div>
  );
}

/** The last figures by their own names, and what was stored; whatever else a kind leaves is told as it is. */
export function resultRows(result: Record<string, unknown>): [string, string][] {
  const { metrics, artifact, ...others } = result;
  return [
    ...factsOf(isObject(metrics) ? metrics : null, formatFigure),
    ...stored(artifact),
    ...factsOf(others, formatFigure),
  ];
}

function stored(artifact: unknown): [string, string][] {
  if (!isObject(artifact) || typeof artifact.bytes !== "number" || typeof artifact.sha256 !== "string") return [];
  return [
    [t.runs.artifact, formatBytes(artifact.bytes)],
    [t.runs.artifactName, artifact.sha256.slice(0, 12)],
  ];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
