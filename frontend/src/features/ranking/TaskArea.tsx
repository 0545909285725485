import type { ReactNode } from "react";

import type { Desk } from "./desk";
import type { DeskState } from "./deskState";
import type { KeyAct } from "./keys";
import { NothingYet } from "./NothingYet";
import { markSubmit } from "./paint";
import { PracticeAnswer } from "./PracticeAnswer";
import type { Preferences } from "./preferences";
import { useReadAhead } from "./useReadAhead";
import { WaitingPanel } from "./WaitingPanel";
import { Workbench } from "./Workbench";

interface TaskAreaProps {
  desk: Desk;
  state: DeskState;
  userId: number;
  projectId: number;
  seesLoop: boolean;
  preferences: Preferences;
  showsDifferences: boolean;
  isPaused: boolean;
  onAct: (act: KeyAct) => void;
  /** What happened to the task before. */
  children: ReactNode;
}

/** What the person has in front of them: a practice task's answer, else a task, else why there is none. */
export function TaskArea(props: TaskAreaProps) {
  const { desk, state, preferences, children } = props;
  const current = state.deck[0];
  useReadAhead(state.deck[1]);
  if (state.practised !== null) {
    return (
      <PracticeAnswer
        practised={state.practised}
        isRetrying={state.isRetrying}
        hasKeys={preferences.singleKeys && !props.isPaused}
        onGoOn={() => desk.goOn()}
      />
    );
  }
  if (current === undefined) {
    return (
      <>
        {state.waiting === null ? (
          <NothingYet state={state} />
        ) : (
          <WaitingPanel waiting={state.waiting} projectId={props.projectId} seesLoop={props.seesLoop} />
        )}
        {children}
      </>
    );
  }
  return (
    <Workbench
      key={`${current.id}:${current.previous?.revision ?? 0}`}
      userId={props.userId}
      assignment={current}
      preferences={preferences}
      showsDifferences={props.showsDifferences}
      isPaused={props.isPaused}
      isElsewhere={state.elsewhere.includes(current.id)}
      onSubmit={(key, ranking) => {
        markSubmit();
        desk.submit(current, key, ranking);
      }}
      onSkip={() => desk.skip(current)}
      onPutAway={() => desk.putAway(current)}
      onAct={props.onAct}
      onSignedOut={desk.failed}
    >
      {children}
    </Workbench>
  );
}
