import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { modelsQuery } from "@/api/models";
import type { ModelVersion } from "@/api/types";
import { cx } from "@/components/cx";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Pill, type Tone } from "@/components/Pill";
import { Segments } from "@/components/Segments";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { Drift } from "./drift/Drift";
import { ModelDetail } from "./ModelDetail";

const TONES: Record<ModelVersion["stage"], Tone> = { candidate: "warn", live: "good", archived: "neutral" };

export function StagePill({ stage }: { stage: ModelVersion["stage"] }) {
  return <Pill tone={TONES[stage]}>{t.runs.models.stages[stage]}</Pill>;
}

interface ModelsPageProps {
  projectId: number;
  chosen: number | undefined;
  isDrift: boolean;
}

/** Every model of the project, or how its policy has moved from one to the next. */
export function ModelsPage({ projectId, chosen, isDrift }: ModelsPageProps) {
  const navigate = useNavigate();
  const views = [
    ["versions", t.drift.versions],
    ["drift", t.drift.title],
  ] as const;
  const show = (view: "versions" | "drift") =>
    void navigate({
      to: "/p/$projectId/models",
      params: { projectId },
      search: view === "drift" ? { view } : {},
    });
  return (
    <Page
      title={t.shell.models}
      lead={t.runs.models.lead}
      actions={<Segments label={t.drift.view} value={isDrift ? "drift" : "versions"} options={views} onChange={show} />}
    >
      {isDrift ? <Drift projectId={projectId} /> : <Models projectId={projectId} chosen={chosen} />}
    </Page>
  );
}

/** Every model with its stage; the chosen one with its lineage beside the list. */
function Models({ projectId, chosen }: { projectId: number; chosen: number | undefined }) {
  const models = useQuery(modelsQuery(projectId));
  const list = models.data?.items ?? [];
  const shown = chosen ?? list.find((model) => model.stage === "live")?.id ?? list[0]?.id;
  return (
    <>
      {models.isPending && <Skeleton />}
      {models.isError && <ErrorNote error={models.error} onRetry={models.refetch} />}
      {models.isSuccess && list.length === 0 && (
        <Panel>
          <EmptyState title={t.runs.models.empty}>{t.runs.models.emptyText}</EmptyState>
        </Panel>
      )}
      {list.length > 0 && (
        <div className="grid items-start gap-5 lg:grid-cols-[22rem_minmax(0,1fr)]">
          <Panel flush>
            <ul className="divide-line divide-y">
              {list.map((model) => (
                <ModelRow key={model.id} model={model} isShown={model.id === shown} />
              ))}
            </ul>
          </Panel>
          {shown !== undefined && <ModelDetail key={shown} modelId={shown} projectId={projectId} />}
        </div>
      )}
    </>
  );
}

function ModelRow({ model, isShown }: { model: ModelVersion; isShown: boolean }) {
  return (
    <li>
      <Link
        to="/p/$projectId/models"
        params={{ projectId: model.project_id }}
        search={{ model: model.id }}
        aria-current={isShown ? "true" : undefined}
        className={cx(
          "hover:bg-sunken flex items-center gap-3 px-5 py-3",
          isShown && "bg-accent-soft hover:bg-accent-soft",
        )}
      >
        <span className="mr-auto grid min-w-0">
          <span className="truncate font-medium">{model.name}</span>
          <span className="text-soft text-sm">
            {t.runs.models.kinds[model.kind]} · <Time iso={model.created_at} />
          </span>
        </span>
        <StagePill stage={model.stage} />
      </Link>
    </li>
  );
}
