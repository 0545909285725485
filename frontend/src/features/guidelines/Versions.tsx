import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { guidelineVersionQuery, guidelineVersionsQuery } from "@/api/guidelines";
import { allItems } from "@/api/paging";
import type { GuidelineSummary } from "@/api/types";
import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { TextDiff } from "@/components/TextDiff";
import { Time } from "@/components/Time";
import { t } from "@/strings";

interface VersionsProps {
  projectId: number;
  onRestore: (text: string) => void;
}

/** Every version; the chosen one against the one before it. */
export function Versions({ projectId, onRestore }: VersionsProps) {
  const versions = useInfiniteQuery(guidelineVersionsQuery(projectId));
  const [chosen, setChosen] = useState<number | null>(null);
  const rows = allItems(versions.data);
  const open = chosen ?? rows[0]?.number ?? null;
  if (versions.isPending) return <Skeleton />;
  if (versions.isError) return <ErrorNote error={versions.error} onRetry={versions.refetch} />;
  if (rows.length === 0) return <EmptyState title={t.guidelines.emptyTitle}>{t.guidelines.emptyText}</EmptyState>;
  return (
    <ul className="divide-line divide-y">
      {rows.map((version) => (
        <li key={version.number}>
          <Head version={version} isOpen={version.number === open} onOpen={() => setChosen(version.number)} />
          {version.number === open && (
            <Change projectId={projectId} number={version.number} rows={rows} onRestore={onRestore} />
          )}
        </li>
      ))}
      {versions.hasNextPage && (
        <li className="grid p-3">
          <Button onClick={() => versions.fetchNextPage()} busy={versions.isFetchingNextPage}>
            {t.common.more}
          </Button>
        </li>
      )}
    </ul>
  );
}

interface HeadProps {
  version: GuidelineSummary;
  isOpen: boolean;
  onOpen: () => void;
}

function Head({ version, isOpen, onOpen }: HeadProps) {
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      onClick={onOpen}
      className={cx(
        "hover:bg-ink/4 flex min-h-12 w-full flex-wrap items-center gap-x-3 px-5 py-2 text-start -outline-offset-2!",
        isOpen && "bg-sunken",
      )}
    >
      <span className="font-semibold">{t.guidelines.version(version.number)}</span>
      <span className="text-soft text-sm">{version.created_by ?? t.guidelines.service}</span>
      <Time iso={version.created_at} className="text-soft ms-auto text-sm" />
    </button>
  );
}

interface ChangeProps extends VersionsProps {
  number: number;
  rows: readonly GuidelineSummary[];
}

function Change({ projectId, number, rows, onRestore }: ChangeProps) {
  const [from, setFrom] = useState(number - 1);
  const after = useQuery(guidelineVersionQuery(projectId, number));
  const before = useQuery({ ...guidelineVersionQuery(projectId, from), enabled: from > 0 });
  if (after.isError || before.isError) return <ErrorNote error={after.error ?? before.error} />;
  if (after.data === undefined || (from > 0 && before.data === undefined)) return <Skeleton lines={3} />;
  const { text } = after.data;
  return (
    <div className="bg-sunken grid gap-3 px-5 pb-4">
      <div className="flex flex-wrap items-center gap-2">
        {number > 1 && (
          <label className="text-soft flex items-center gap-2 text-sm">
            {t.guidelines.from}
            <select
              value={from}
              onChange={(event) => setFrom(Number(event.target.value))}
              className="border-edge/60 bg-panel text-ink h-8 rounded-lg border px-2 pointer-coarse:h-11"
            >
              {rows
                .filter((one) => one.number < number)
                .map((one) => (
                  <option key={one.number} value={one.number}>
                    {t.guidelines.version(one.number)}
                  </option>
                ))}
            </select>
          </label>
        )}
        <Button size="small" className="ms-auto" onClick={() => onRestore(text)}>
          {t.guidelines.restore}
        </Button>
      </div>
      <TextDiff before={from > 0 ? (before.data?.text ?? "") : ""} after={text} />
    </div>
  );
}
