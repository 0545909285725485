import { type ReactNode, useEffect, useRef, useState } from "react";

import type { Assignment, NewRanking } from "@/api/types";
import { t } from "@/strings";

import { Answers } from "./Answers";
import { canSkip } from "./bench";
import { Conversation } from "./Conversation";
import { DragField } from "./DragField";
import { flagAct } from "./flagKeys";
import { Footer } from "./Footer";
import { Hints } from "./Hints";
import { type KeyAct, keyName } from "./keys";
import { moveByKey } from "./moveByKey";
import { NoneAcceptable } from "./NoneAcceptable";
import { markPainted } from "./paint";
import type { Preferences } from "./preferences";
import { PromptFlags } from "./PromptForm";
import { Rationale } from "./Rationale";
import { Report } from "./Report";
import { TaskNotices } from "./TaskNotices";
import { UntouchedQuestion } from "./UntouchedQuestion";
import { useBench } from "./useBench";
import { useJudgment } from "./useJudgment";
import { useKeys } from "./useKeys";
import { useSubmit } from "./useSubmit";

export interface WorkbenchProps {
  userId: number;
  assignment: Assignment;
  preferences: Preferences;
  showsDifferences: boolean;
  isPaused: boolean;
  /** The task is open in another tab as well. */
  isElsewhere: boolean;
  onSubmit: (key: string, ranking: NewRanking) => void;
  onSkip: () => void;
  onPutAway: () => void;
  onAct: (act: KeyAct) => void;
  onSignedOut: (error: unknown) => void;
  /** What happened to the task before. */
  children: ReactNode;
}

/** One task at work: from the first key to the submit. */
export function Workbench(props: WorkbenchProps) {
  const { assignment, preferences, showsDifferences } = props;
  const work = useJudgment(props.userId, assignment, props.onSignedOut);
  const [bench, words] = useBench(assignment, work);
  const differences = useEver(showsDifferences);
  const submitting = useSubmit(bench, work, { preferences, differences }, props.onSubmit);
  const top = useRef<HTMLDivElement>(null);
  const { judgment } = work;
  const { flagsOf, openFlags, act: make } = bench;
  const { flags: flagsKey } = preferences.bindings;
  const onSkip = canSkip(assignment) ? props.onSkip : undefined;

  useEffect(() => {
    globalThis.scrollTo({ top: 0 });
    top.current?.focus({ preventScroll: true });
    markPainted();
  }, []);

  const press = (act: KeyAct) => {
    if (moveByKey(bench, act)) return;
    if (act.type === "submit") submitting.submit();
    else if (act.type === "command" && act.command === "flags") {
      if (assignment.form.ask_flags) openFlags(judgment.selected ?? judgment.ids[0] ?? null);
    } else if (act.type === "command" && act.command === "skip") onSkip?.();
    else props.onAct(act);
  };
  const pressFlag = (event: KeyboardEvent): boolean => {
    const act = flagsOf === null ? null : flagAct(event, flagsKey);
    if (flagsOf === null || act === null) return false;
    const flag = act.type === "toggle" ? assignment.form.flags[act.index] : undefined;
    if (flag !== undefined) make({ type: "flag", id: flagsOf, flag });
    if (act.type === "close") openFlags(null);
    if (act.type === "other") openFlags(judgment.ids[judgment.ids.indexOf(flagsOf) + act.by] ?? flagsOf);
    return true;
  };
  useKeys(preferences.singleKeys && !submitting.asks && !props.isPaused, preferences.bindings, press, pressFlag);

  return (
    <DragField bench={bench}>
      <div
        ref={top}
        role="group"
        aria-label={t.desk.announce.newTask(judgment.ids.length)}
        tabIndex={-1}
        className="bench mx-auto grid w-full max-w-[150rem] flex-1 content-start gap-4 px-4 pt-1 pb-6 outline-none sm:px-7"
      >
        <TaskNotices assignment={assignment} work={work} isElsewhere={props.isElsewhere} onPutAway={props.onPutAway} />
        <Conversation messages={assignment.prompt.messages} raw={preferences.raw} />
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1.5">
          {preferences.singleKeys && <Hints bench={bench} onHelp={() => props.onAct({ type: "help" })} />}
          <div className="ms-auto flex flex-wrap items-center justify-end gap-x-3 gap-y-1.5">
            <PromptFlags bench={bench} />
            <Report assignmentId={assignment.id} onSkip={onSkip} />
          </div>
        </div>
        <Answers bench={bench} preferences={preferences} showsDifferences={showsDifferences} />
        <NoneAcceptable bench={bench} />
        {assignment.form.rationale !== "off" && <Rationale bench={bench} />}
      </div>
      <Footer
        bench={bench}
        draft={work.draft}
        skipKey={keyName(preferences.bindings.skip)}
        onSubmit={submitting.submit}
        onSkip={props.onSkip}
      >
        {submitting.complaint === null ? (
          props.children
        ) : (
          <p role="alert" className="text-warn px-4 pt-2.5 text-sm font-semibold sm:px-7">
            {submitting.complaint}
          </p>
        )}
      </Footer>
      <p aria-live="polite" className="sr-only">
        {words}
      </p>
      {submitting.asks && (
        <UntouchedQuestion
          canTie={judgment.ranking.places.every((place) => place.length === 0) && assignment.form.ties_allowed}
          isSame={assignment.is_revision}
          onClose={submitting.close}
          onSame={submitting.submitSame}
          onTie={submitting.submitTie}
        />
      )}
    </DragField>
  );
}

/** Whether something held at any time since the task came. */
function useEver(holds: boolean): boolean {
  const [ever, setEver] = useState(holds);
  if (holds && !ever) setEver(true);
  return ever || holds;
}
