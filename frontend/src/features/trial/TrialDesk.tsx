import type { Assignment } from "@/api/types";
import { Answers } from "@/features/ranking/Answers";
import { Conversation } from "@/features/ranking/Conversation";
import { DragField } from "@/features/ranking/DragField";
import { NoneAcceptable } from "@/features/ranking/NoneAcceptable";
import type { Preferences } from "@/features/ranking/preferences";
import { PromptFlags } from "@/features/ranking/PromptForm";
import { Rail } from "@/features/ranking/Rail";
import { Rationale } from "@/features/ranking/Rationale";
import { t } from "@/strings";

import { useTrial } from "./useTrial";

/** The desk's parts on a task that is nobody's: everything can be tried, and nothing is kept or sent. */
export function TrialDesk({ assignment, preferences }: { assignment: Assignment; preferences: Preferences }) {
  const [bench, words] = useTrial(assignment);
  const { prompt_flags: promptFlags, rationale } = assignment.form;
  return (
    <DragField bench={bench}>
      <div className="bench grid gap-4 p-4 sm:p-5">
        <Conversation messages={assignment.prompt.messages} raw={false} />
        {promptFlags.length > 0 && <PromptFlags bench={bench} />}
        <Answers bench={bench} preferences={preferences} showsDifferences={false} />
        <NoneAcceptable bench={bench} />
        {rationale !== "off" && <Rationale bench={bench} />}
      </div>
      <footer className="border-line bg-panel grid gap-1.5 border-t px-4 py-2.5 sm:px-5">
        <span className="text-soft text-sm font-semibold">{t.desk.yourOrder}</span>
        <Rail bench={bench} />
      </footer>
      <p aria-live="polite" className="sr-only">
        {words}
      </p>
    </DragField>
  );
}
