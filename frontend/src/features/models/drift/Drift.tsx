import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { driftQuery, measureDrift } from "@/api/drift";
import type { Drift as DriftFound } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount } from "@/components/format";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { FIGURES } from "./figures";
import { Picture } from "./Picture";
import { SideBySide } from "./SideBySide";
import { Steps } from "./Steps";

/** How the policy has moved from version to version: pictures, numbers, and what it answers now and answered then. */
export function Drift({ projectId }: { projectId: number }) {
  const drift = useQuery(driftQuery(projectId));
  if (drift.isError) return <ErrorNote error={drift.error} onRetry={drift.refetch} />;
  if (drift.data === undefined) return <Skeleton lines={8} />;
  const { data } = drift;
  const isMeasured = data.versions.some((step) => step.measured !== null);
  if (data.versions.length < 2 || !isMeasured) return <Nothing drift={data} projectId={projectId} />;
  return (
    <>
      <Panel title={t.drift.heading} actions={<Measure drift={data} projectId={projectId} />}>
        <div className="grid gap-6">
          <p className="text-soft max-w-prose text-sm">{t.drift.lead(formatCount(data.prompts))}</p>
          <div className="grid gap-x-10 gap-y-8 sm:grid-cols-2 xl:grid-cols-3">
            {FIGURES.map((name) => (
              <Picture key={name} steps={data.versions} name={name} />
            ))}
          </div>
        </div>
      </Panel>
      <Steps steps={data.versions} projectId={projectId} />
      <SideBySide steps={data.versions} projectId={projectId} />
    </>
  );
}

/** What is missing, and how to get it. */
function Nothing({ drift, projectId }: { drift: DriftFound; projectId: number }) {
  const link = "text-accent underline underline-offset-2";
  const isAlone = drift.versions.length < 2;
  if (isAlone || drift.prompts === 0) {
    return (
      <Panel>
        <EmptyState
          title={isAlone ? t.drift.onlyOne : t.drift.noPrompts}
          action={
            <Link to={isAlone ? "/p/$projectId/loop" : "/p/$projectId/prompts"} params={{ projectId }} className={link}>
              {isAlone ? t.drift.toLoop : t.drift.toPrompts}
            </Link>
          }
        >
          {isAlone ? t.drift.onlyOneText : t.drift.noPromptsText}
        </EmptyState>
      </Panel>
    );
  }
  return (
    <Panel>
      <EmptyState title={t.drift.unmeasured} action={<Measure drift={drift} projectId={projectId} />}>
        {t.drift.unmeasuredText(formatCount(drift.prompts))}
      </EmptyState>
    </Panel>
  );
}

/** Ask for what is missing; what is on its way needs no more asking. */
function Measure({ drift, projectId }: { drift: DriftFound; projectId: number }) {
  const queries = useQueryClient();
  const measure = useMutation({
    mutationFn: () => measureDrift(projectId),
    onSuccess: () =>
      Promise.all([["drift", projectId], ["runs"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  return (
    <span className="flex flex-wrap items-center gap-2">
      {drift.measuring.length > 0 && <Pill live>{t.drift.measuring(drift.measuring.length)}</Pill>}
      {drift.unmeasured.length > 0 && (
        <Button size="small" busy={measure.isPending} onClick={() => measure.mutate()}>
          {t.drift.measure(drift.unmeasured.length)}
        </Button>
      )}
      {measure.isError && <ErrorNote error={measure.error} />}
    </span>
  );
}
