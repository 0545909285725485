import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";

import { allItems } from "@/api/paging";
import { projectQuery } from "@/api/projects";
import { knownAnswersQuery } from "@/api/quality";
import type { KnownPurpose, ProjectSettings } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { MoreButton } from "@/components/MoreButton";
import { EmptyState, ErrorNote, Notice, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Segments } from "@/components/Segments";
import { t } from "@/strings";

import { KnownRow } from "./KnownRow";
import { PURPOSES } from "./purposes";

/** Gold and practice tasks: what their right order is, and how well people did. */
export function KnownPage({ projectId }: { projectId: number }) {
  const [purpose, setPurpose] = useState<KnownPurpose>("gold");
  const project = useQuery(projectQuery(projectId));
  const known = useInfiniteQuery(knownAnswersQuery(projectId, purpose));
  const rows = allItems(known.data);
  const words = t.quality;
  const make = (
    <Link to="/p/$projectId/known/new" params={{ projectId }} search={{ purpose }} className={buttonClass("primary")}>
      {words.knownNew}
    </Link>
  );
  return (
    <Page title={t.shell.known} lead={words.knownLead} actions={make}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Segments
          label={words.purpose}
          value={purpose}
          options={PURPOSES.map((one) => [one, words.purposes[one]] as const)}
          onChange={setPurpose}
        />
        <p className="text-soft text-sm">{words.purposeTexts[purpose]}</p>
      </div>
      {project.data !== undefined && rows.length > 0 && (
        <Unused projectId={projectId} purpose={purpose} settings={project.data.settings} />
      )}
      <Panel flush>
        {known.isPending && <Skeleton />}
        {known.isError && <ErrorNote error={known.error} onRetry={known.refetch} />}
        {known.isSuccess && rows.length === 0 && <Nothing purpose={purpose} make={make} />}
        <ul className="divide-line divide-y">
          {rows.map((one) => (
            <KnownRow key={one.task_id} known={one} projectId={projectId} />
          ))}
        </ul>
        <MoreButton query={known} />
      </Panel>
    </Page>
  );
}

function Nothing({ purpose, make }: { purpose: KnownPurpose; make: ReactNode }) {
  const words = t.quality;
  return (
    <EmptyState title={purpose === "gold" ? words.goldEmpty : words.practiceEmpty} action={make}>
      {purpose === "gold" ? words.goldEmptyText : words.practiceEmptyText}
    </EmptyState>
  );
}

interface UnusedProps {
  projectId: number;
  purpose: KnownPurpose;
  settings: ProjectSettings;
}

/** Says when the settings let none of these tasks come up. */
function Unused({ projectId, purpose, settings }: UnusedProps) {
  const isUsed = purpose === "gold" ? settings.gold_rate > 0 : settings.practice.required;
  if (isUsed) return null;
  return (
    <Notice tone="warn">
      <div className="flex flex-wrap items-center gap-3">
        <p className="me-auto">{purpose === "gold" ? t.quality.rateOff : t.quality.practiceOff}</p>
        <Link to="/p/$projectId/settings" params={{ projectId }} className={buttonClass("plain", "small")}>
          {t.quality.openSettings}
        </Link>
      </div>
    </Notice>
  );
}
