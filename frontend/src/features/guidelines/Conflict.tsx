import type { Guidelines } from "@/api/types";
import { Button } from "@/components/Button";
import { Panel } from "@/components/Page";
import { TextDiff } from "@/components/TextDiff";
import { t } from "@/strings";

import type { Writing } from "./useWriting";

/** Two people saved at once: what stands against what, and the three ways on. */
export function Conflict({ writing, theirs }: { writing: Writing; theirs: Guidelines }) {
  const words = t.guidelines;
  const who = theirs.created_by ?? words.service;
  return (
    <Panel title={words.conflictTitle(who, theirs.number ?? 0)} className="border-warn/50!">
      <div role="alert" className="grid gap-4">
        <p className="text-soft">{words.conflictText}</p>
        <div className="border-line bg-sunken max-h-96 overflow-y-auto rounded-lg border px-4 py-3" tabIndex={0}>
          <TextDiff before={theirs.text} after={writing.text} />
        </div>
        <div className="flex flex-wrap gap-2">
          <Button variant="primary" onClick={writing.mergeBoth}>
            {words.merge}
          </Button>
          <Button onClick={writing.takeTheirs}>{words.takeTheirs}</Button>
          <Button onClick={writing.keepMine} busy={writing.isSaving}>
            {words.keepMine}
          </Button>
        </div>
      </div>
    </Panel>
  );
}
