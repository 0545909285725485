import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { sideBySideQuery } from "@/api/drift";
import type { DriftPair, DriftStep } from "@/api/types";
import { Select } from "@/components/Field";
import { Markdown } from "@/components/Markdown";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { wordsOf } from "./figures";

/** What two versions answer to the same prompts, the newest beside the first until somebody chooses others. */
export function SideBySide({ steps, projectId }: { steps: readonly DriftStep[]; projectId: number }) {
  const measured = steps.filter((step) => step.measured !== null).map((step) => step.version);
  const [left, setLeft] = useState<number | undefined>(undefined);
  const [right, setRight] = useState<number | undefined>(undefined);
  const [one, other] = [left ?? measured.at(-1)?.id, right ?? measured[0]?.id];
  if (one === undefined || other === undefined || measured.length < 2) return null;
  const options = measured.map(({ id, name }) => [String(id), name] as const);
  const nameOf = (id: number) => measured.find((version) => version.id === id)?.name ?? "";
  return (
    <Panel title={t.drift.sideBySide}>
      <div className="grid gap-5">
        <div className="grid gap-4 sm:max-w-xl sm:grid-cols-2">
          <Select
            label={t.drift.left}
            value={one}
            options={options}
            onChange={(event) => setLeft(Number(event.target.value))}
          />
          <Select
            label={t.drift.right}
            value={other}
            options={options}
            onChange={(event) => setRight(Number(event.target.value))}
          />
        </div>
        <Pairs projectId={projectId} ids={[one, other]} names={[nameOf(one), nameOf(other)]} />
      </div>
    </Panel>
  );
}

interface PairsProps {
  projectId: number;
  ids: readonly [version: number, beside: number];
  names: readonly [version: string, beside: string];
}

function Pairs({ projectId, ids, names }: PairsProps) {
  const found = useQuery(sideBySideQuery(projectId, ...ids));
  if (found.isError) return <ErrorNote error={found.error} onRetry={found.refetch} />;
  if (found.data === undefined) return <Skeleton lines={6} />;
  if (found.data.pairs.length === 0) return <EmptyState title={t.drift.noPairs}>{t.drift.noPairsText}</EmptyState>;
  return (
    <ol className="divide-line grid divide-y">
      {found.data.pairs.map((pair) => (
        <li key={pair.prompt_id} className="grid gap-3 py-5 first:pt-0 last:pb-0">
          <h3 dir="auto" className="max-w-[80ch] font-semibold wrap-anywhere whitespace-pre-wrap">
            {pair.prompt}
          </h3>
          <div className="grid gap-3 md:grid-cols-2">
            <Answer name={names[0]} said={pair.version} />
            <Answer name={names[1]} said={pair.beside} />
          </div>
        </li>
      ))}
    </ol>
  );
}

function Answer({ name, said }: { name: string; said: DriftPair["version"] }) {
  return (
    <article className="border-line bg-sunken grid min-w-0 content-start gap-2 rounded-xl border p-4">
      <p className="text-soft flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
        <span className="font-semibold">{name}</span>
        {said.kl !== null && <span className="tabular-nums">{t.drift.nats(wordsOf("kl", said.kl))}</span>}
      </p>
      <Markdown text={said.text} />
    </article>
  );
}
