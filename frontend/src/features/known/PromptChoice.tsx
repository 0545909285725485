import { useInfiniteQuery } from "@tanstack/react-query";

import { allItems } from "@/api/paging";
import { promptsQuery } from "@/api/prompts";
import type { Prompt } from "@/api/types";
import { Icon } from "@/components/Icon";
import { MoreButton } from "@/components/MoreButton";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

/** The prompts that have something to order. */
export function PromptChoice({ projectId, onChoose }: { projectId: number; onChoose: (prompt: Prompt) => void }) {
  const prompts = useInfiniteQuery(promptsQuery(projectId, null));
  const rows = allItems(prompts.data).filter((prompt) => prompt.completions >= 2);
  const words = t.quality;
  return (
    <Panel title={words.choosePrompt} flush>
      {prompts.isPending && <Skeleton />}
      {prompts.isError && <ErrorNote error={prompts.error} onRetry={prompts.refetch} />}
      {prompts.isSuccess && rows.length === 0 && (
        <EmptyState title={words.choosePromptEmpty}>{words.choosePromptEmptyText}</EmptyState>
      )}
      <ul className="divide-line border-line divide-y border-t">
        {rows.map((prompt) => (
          <li key={prompt.id}>
            <button
              type="button"
              onClick={() => onChoose(prompt)}
              className="group hover:bg-ink/4 flex min-h-14 w-full items-center gap-4 px-5 py-3 text-start -outline-offset-2!"
            >
              <span dir="auto" className="line-clamp-2 min-w-0 flex-1">
                {prompt.messages.at(-1)?.content}
              </span>
              <span className="text-soft text-sm whitespace-nowrap">{words.answersOf(prompt.completions)}</span>
              <Icon name="arrow" className="text-soft group-hover:text-accent size-4 shrink-0 rtl:-scale-x-100" />
            </button>
          </li>
        ))}
      </ul>
      <MoreButton query={prompts} />
    </Panel>
  );
}
