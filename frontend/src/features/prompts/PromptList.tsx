import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { allItems } from "@/api/paging";
import { completionsQuery, promptsQuery, type Split } from "@/api/prompts";
import type { Prompt } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { formatCount } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { t } from "@/strings";

const SPLITS = ["train", "validation", "test"] as const;

export function PromptList({ projectId, upload }: { projectId: number; upload: ReactNode }) {
  const [split, setSplit] = useState<Split | null>(null);
  const [opened, setOpened] = useState<Prompt | null>(null);
  const prompts = useInfiniteQuery(promptsQuery(projectId, split));
  const rows = allItems(prompts.data);
  const filter = (
    <select
      aria-label={t.project.splitLabel}
      value={split ?? ""}
      onChange={(event) => setSplit(SPLITS.find((one) => one === event.target.value) ?? null)}
      className="border-edge/60 bg-panel h-8 rounded-lg border px-2 text-sm pointer-coarse:h-11"
    >
      <option value="">{t.project.splitAll}</option>
      {SPLITS.map((one) => (
        <option key={one} value={one}>
          {t.project.splits[one]}
        </option>
      ))}
    </select>
  );
  return (
    <Panel title={t.project.list} actions={filter} flush>
      {prompts.isPending && <Skeleton />}
      {prompts.isError && <ErrorNote error={prompts.error} onRetry={prompts.refetch} />}
      {prompts.isSuccess && rows.length === 0 && (
        <EmptyState title={t.project.promptsEmpty} action={split === null && upload}>
          {t.project.promptsEmptyText}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <Table caption={t.project.list} head={t.project.promptColumns}>
          {rows.map((prompt) => (
            <Row key={prompt.id} prompt={prompt} onOpen={() => setOpened(prompt)} />
          ))}
        </Table>
      )}
      {prompts.hasNextPage && (
        <div className="border-line grid border-t p-3">
          <Button
            onClick={() => prompts.fetchNextPage()}
            busy={prompts.isFetchingNextPage}
            className="justify-self-center"
          >
            {t.common.more}
          </Button>
        </div>
      )}
      {opened !== null && <PromptDialog prompt={opened} projectId={projectId} onClose={() => setOpened(null)} />}
    </Panel>
  );
}

function Row({ prompt, onOpen }: { prompt: Prompt; onOpen: () => void }) {
  return (
    <tr>
      <Cell className="min-w-72">
        <button type="button" onClick={onOpen} dir="auto" className="hover:text-accent line-clamp-2 text-start">
          {prompt.messages.at(-1)?.content}
        </button>
        {prompt.messages.length > 1 && (
          <span className="text-soft text-sm">{t.project.turns(prompt.messages.length)}</span>
        )}
      </Cell>
      <Cell>
        <Pill>{t.project.splits[prompt.split]}</Pill>
      </Cell>
      <Cell>{formatCount(prompt.completions)}</Cell>
      <Cell>{formatCount(prompt.tasks)}</Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={prompt.created_at} />
      </Cell>
    </tr>
  );
}

function PromptDialog({ prompt, projectId, onClose }: { prompt: Prompt; projectId: number; onClose: () => void }) {
  const completions = useQuery(completionsQuery(projectId, prompt.id));
  return (
    <Dialog title={t.desk.conversation} onClose={onClose} wide>
      {prompt.messages.map((turn, place) => (
        <div key={place}>
          <p className="text-soft text-xs font-semibold">{turn.role}</p>
          <Markdown text={turn.content} />
        </div>
      ))}
      <h3 className="border-line border-t pt-4 font-semibold">{t.project.completionsTitle}</h3>
      {completions.isPending && <Skeleton lines={3} />}
      {completions.isError && <ErrorNote error={completions.error} />}
      {completions.data?.items.length === 0 && <p className="text-soft">{t.project.completionsEmpty}</p>}
      {completions.data?.items.map((completion) => (
        <article key={completion.id} className="border-line bg-sunken grid gap-2 rounded-xl border p-4">
          <p>
            <Pill tone="accent">{completion.author.name}</Pill>
          </p>
          <Markdown text={completion.text} />
        </article>
      ))}
    </Dialog>
  );
}
