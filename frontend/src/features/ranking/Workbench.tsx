import { type ReactNode, useEffect, useRef, useState } from "react";

import type { Assignment, NewRanking } from "@/api/types";
import { t } from "@/strings";

import { Answers } from "./Answers";
import { Conversation } from "./Conversation";
import { DragField } from "./DragField";
import { Footer } from "./Footer";
import { Hints } from "./Hints";
import { type Judgment, saidIn } from "./judgment";
import { type KeyAct, keyName } from "./keys";
import { missing } from "./missing";
import { moveByKey } from "./moveByKey";
import type { Preferences } from "./preferences";
import { Rationale } from "./Rationale";
import { RevisionNotice } from "./RevisionNotice";
import { UntouchedQuestion } from "./UntouchedQuestion";
import { useBench } from "./useBench";
import { type AtWork, useJudgment } from "./useJudgment";
import { useKeys } from "./useKeys";

export interface WorkbenchProps {
  userId: number;
  assignment: Assignment;
  preferences: Preferences;
  showsDifferences: boolean;
  isPaused: boolean;
  onSubmit: (key: string, ranking: NewRanking) => void;
  onSkip: () => void;
  onPutAway: () => void;
  onAct: (act: KeyAct) => void;
  /** What happened to the task before. */
  children: ReactNode;
}

function rankingOf({ judgment, activeMs }: AtWork, touched = judgment.touched): NewRanking {
  return { ...saidIn(judgment), touched, moves: judgment.moves, active_ms: Math.min(activeMs(), 86_400_000) };
}

/** One task at work: from the first key to the submit. */
export function Workbench(props: WorkbenchProps) {
  const { assignment, preferences, onSubmit } = props;
  const work = useJudgment(props.userId, assignment);
  const [bench, words] = useBench(assignment, work);
  const [complained, setComplained] = useState<{ about: Judgment; text: string } | null>(null);
  const [asks, setAsks] = useState(false);
  const [flagsOpen, setFlagsOpen] = useState(false);
  const top = useRef<HTMLDivElement>(null);
  const { judgment } = work;
  const complaint = complained?.about === judgment ? complained.text : null;

  useEffect(() => {
    globalThis.scrollTo({ top: 0 });
    top.current?.focus({ preventScroll: true });
  }, []);

  const submit = () => {
    if (!judgment.touched && !asks) {
      setAsks(true);
      return;
    }
    const lacks = missing(assignment, judgment);
    if (lacks === null) onSubmit(work.key, rankingOf(work));
    else setComplained({ about: judgment, text: lacks });
  };
  const submitTie = () => onSubmit(work.key, { ...rankingOf(work, false), tiers: [[...judgment.ids]] });

  const press = (act: KeyAct) => {
    if (moveByKey(bench, act)) return;
    if (act.type === "submit") submit();
    else if (act.type === "command" && act.command === "flags") setFlagsOpen(!flagsOpen);
    else if (act.type === "command" && act.command === "skip" && !assignment.is_revision) props.onSkip();
    else props.onAct(act);
  };
  useKeys(preferences.singleKeys && !asks && !props.isPaused, preferences.bindings, press);

  return (
    <DragField bench={bench}>
      <div
        ref={top}
        role="group"
        aria-label={t.desk.announce.newTask(judgment.ids.length)}
        tabIndex={-1}
        className="bench mx-auto grid w-full max-w-[150rem] flex-1 content-start gap-4 px-4 pt-1 pb-6 outline-none sm:px-7"
      >
        {assignment.is_revision && <RevisionNotice onPutAway={props.onPutAway} />}
        {work.isRestored && (
          <p role="status" className="text-good text-sm font-medium">
            {t.desk.restored}
          </p>
        )}
        <Conversation messages={assignment.prompt.messages} raw={preferences.raw} />
        {preferences.singleKeys && <Hints bench={bench} onHelp={() => props.onAct({ type: "help" })} />}
        <Answers
          bench={bench}
          preferences={preferences}
          showsDifferences={props.showsDifferences}
          flagsOpen={flagsOpen}
        />
        {assignment.form.rationale !== "off" && <Rationale bench={bench} />}
      </div>
      <Footer
        bench={bench}
        draft={work.draft}
        skipKey={keyName(preferences.bindings.skip)}
        onSubmit={submit}
        onSkip={props.onSkip}
      >
        {complaint === null ? (
          props.children
        ) : (
          <p role="alert" className="text-warn px-4 pt-2.5 text-sm font-semibold sm:px-7">
            {complaint}
          </p>
        )}
      </Footer>
      <p aria-live="polite" className="sr-only">
        {words}
      </p>
      {asks && (
        <UntouchedQuestion
          canTie={judgment.ranking.places.every((place) => place.length === 0) && assignment.form.ties_allowed}
          isSame={assignment.is_revision}
          onClose={() => setAsks(false)}
          onSame={() => onSubmit(work.key, rankingOf(work))}
          onTie={submitTie}
        />
      )}
    </DragField>
  );
}
