import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { goBackTo } from "@/api/loop";
import { modelQuery, moveModel } from "@/api/models";
import type { ModelLineage } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Facts, factsOf } from "@/components/Facts";
import { formatBytes, formatFigure } from "@/components/format";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { Lineage } from "./Lineage";
import { StagePill } from "./ModelsPage";
import { Origins } from "./Origins";

export function ModelDetail({ modelId, projectId }: { modelId: number; projectId: number }) {
  const model = useQuery(modelQuery(modelId));
  if (model.isError) return <ErrorNote error={model.error} onRetry={model.refetch} />;
  if (model.data === undefined) return <Skeleton />;
  const { data } = model;
  return (
    <div className="grid min-w-0 gap-5">
      <Panel title={data.name} actions={<Moves model={data} projectId={projectId} />}>
        <div className="grid gap-4">
          <p>
            <StagePill stage={data.stage} />
          </p>
          <Facts
            className="max-w-lg"
            rows={[
              [t.runs.created, <Time key="created" iso={data.created_at} />],
              [
                t.runs.models.run,
                data.run_id === null ? null : <RunLink key="run" projectId={projectId} runId={data.run_id} />,
              ],
              [t.runs.snapshot, data.dataset_snapshot_id === null ? null : `#${data.dataset_snapshot_id}`],
              [
                t.runs.models.weights,
                data.artifact === null ? t.runs.models.noWeights : formatBytes(data.artifact.bytes),
              ],
              [
                "SHA-256",
                data.artifact === null ? null : (
                  <code key="hash" className="font-mono">
                    {data.artifact.sha256.slice(0, 16)}
                  </code>
                ),
              ],
              ...factsOf(data.source, formatFigure),
            ]}
          />
        </div>
      </Panel>
      <Panel title={t.runs.models.lineage}>
        <Lineage model={data} />
      </Panel>
      <Panel title={t.runs.models.origins}>
        <Origins modelId={modelId} projectId={projectId} />
      </Panel>
      {Object.keys(data.metrics).length > 0 && (
        <Panel title={t.runs.models.metrics}>
          <Facts className="max-w-lg" rows={factsOf(data.metrics, formatFigure)} />
        </Panel>
      )}
    </div>
  );
}

function RunLink({ projectId, runId }: { projectId: number; runId: number }) {
  return (
    <Link
      to="/p/$projectId/runs/$runId"
      params={{ projectId, runId }}
      className="text-accent underline underline-offset-2"
    >
      {`#${runId}`}
    </Link>
  );
}

/** Promote and archive, each after a question that says what it does. */
function Moves({ model, projectId }: { model: ModelLineage; projectId: number }) {
  const [asked, setAsked] = useState<"promote" | "archive" | null>(null);
  const queries = useQueryClient();
  // Going back to a model that was live before is a decision of the loop's diary.
  const wasLive = model.stage === "archived" && model.promoted_at !== null;
  const move = useMutation({
    mutationFn: (to: "promote" | "archive") =>
      to === "promote" && wasLive ? goBackTo(projectId, model.id) : moveModel(model.id, to),
    onSuccess: async () => {
      await Promise.all(
        [["models", projectId], ["model"], ["loop", projectId]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      );
      setAsked(null);
    },
  });
  const words = { promote: wasLive ? t.runs.models.goBack : t.runs.models.promote, archive: t.runs.models.archive };
  return (
    <>
      {model.stage !== "live" && model.artifact !== null && (
        <Button size="small" variant="primary" onClick={() => setAsked("promote")}>
          {words.promote}
        </Button>
      )}
      {model.stage === "candidate" && (
        <Button size="small" onClick={() => setAsked("archive")}>
          {words.archive}
        </Button>
      )}
      {asked !== null && (
        <Dialog title={words[asked]} onClose={() => setAsked(null)}>
          <p>{asked === "promote" ? t.runs.models.promoteAsk(model.name) : t.runs.models.archiveAsk(model.name)}</p>
          {move.isError && <ErrorNote error={move.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => setAsked(null)}>{t.common.cancel}</Button>
            <Button variant="primary" busy={move.isPending} onClick={() => move.mutate(asked)}>
              {words[asked]}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
