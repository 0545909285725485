import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { originsQuery } from "@/api/models";
import { Facts } from "@/components/Facts";
import { formatCount } from "@/components/format";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { t } from "@/strings";

/** What a model has learnt from, through every model before it: judgments, people, datasets, runs. */
export function Origins({ modelId, projectId }: { modelId: number; projectId: number }) {
  const origins = useQuery(originsQuery(modelId));
  if (origins.isError) return <ErrorNote error={origins.error} onRetry={origins.refetch} />;
  if (origins.data === undefined) return <Skeleton />;
  const { counts, chain, runs, snapshots } = origins.data;
  if (runs.length === 0) return <p className="text-soft">{t.runs.models.nothingBehind}</p>;
  return (
    <Facts
      className="max-w-lg"
      rows={[
        [t.runs.models.judgments, formatCount(counts.judgments)],
        [t.runs.models.annotators, formatCount(counts.annotators)],
        [t.runs.models.demonstrations, formatCount(counts.demonstrations)],
        [t.runs.models.prompts, formatCount(counts.prompts)],
        [t.runs.models.chain, chain.map((one) => one.name).join(" → ")],
        [t.runs.models.snapshots, snapshots.map((one) => `#${one.id}`).join(", ")],
        [
          t.runs.models.runs,
          <span key="runs" className="inline-flex flex-wrap justify-end gap-x-2">
            {runs.map((run) => (
              <Link
                key={run.id}
                to="/p/$projectId/runs/$runId"
                params={{ projectId, runId: run.id }}
                className="text-accent underline underline-offset-2"
              >
                {`${t.runs.kind(run.kind)} #${run.id}`}
              </Link>
            ))}
          </span>,
        ],
      ]}
    />
  );
}
