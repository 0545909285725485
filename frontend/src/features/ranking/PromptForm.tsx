import { fromSlug } from "@/components/format";
import { t } from "@/strings";

import type { Bench } from "./bench";
import { Chip } from "./Flags";

/** What can be said about the prompt itself. */
export function PromptFlags({ bench }: { bench: Bench }) {
  const { prompt_flags: asked } = bench.assignment.form;
  if (asked.length === 0) return null;
  return (
    <div role="group" aria-label={t.desk.form.promptFlags} className="flex flex-wrap gap-1.5">
      {asked.map((flag) => (
        <Chip
          key={flag}
          text={fromSlug(flag)}
          isOn={bench.judgment.promptFlags.includes(flag)}
          onToggle={() => bench.act({ type: "promptFlag", flag })}
        />
      ))}
    </div>
  );
}
