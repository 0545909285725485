import type { Assignment } from "@/api/types";
import { Answers } from "@/features/ranking/Answers";
import { Conversation } from "@/features/ranking/Conversation";
import { DragField } from "@/features/ranking/DragField";
import { Footer } from "@/features/ranking/Footer";
import { keyName } from "@/features/ranking/keys";
import { NoneAcceptable } from "@/features/ranking/NoneAcceptable";
import type { Preferences } from "@/features/ranking/preferences";
import { PromptFlags } from "@/features/ranking/PromptForm";
import { Rationale } from "@/features/ranking/Rationale";

import { useTrial } from "./useTrial";

interface TrialDeskProps {
  assignment: Assignment;
  preferences: Preferences;
  /** Where submit and skip lead: nothing goes anywhere. */
  onAgain: () => void;
}

/** The desk's parts on a task that is nobody's: everything can be tried, and nothing is kept or sent. */
export function TrialDesk({ assignment, preferences, onAgain }: TrialDeskProps) {
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
      <Footer
        bench={bench}
        draft="none"
        skipKey={keyName(preferences.bindings.skip)}
        onSubmit={onAgain}
        onSkip={onAgain}
      >
        {null}
      </Footer>
      <p aria-live="polite" className="sr-only">
        {words}
      </p>
    </DragField>
  );
}
