import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { myProgressQuery } from "@/api/desk";
import { projectQuery } from "@/api/projects";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { t } from "@/strings";

import { DeskBar } from "./DeskBar";
import { DoneBar } from "./DoneBar";
import { GuidelinesPanel } from "./GuidelinesPanel";
import { KeysDialog } from "./KeysDialog";
import { type KeyAct, keyName } from "./keys";
import { usePreferences } from "./preferences";
import { useDesk } from "./useDesk";
import { useKeys } from "./useKeys";
import { WaitingPanel } from "./WaitingPanel";
import { Workbench } from "./Workbench";

interface DeskPageProps {
  userId: number;
  projectId: number;
  seesLoop: boolean;
  /** An earlier judgment to open again. */
  revise: number | undefined;
}

export function DeskPage({ userId, projectId, seesLoop, revise }: DeskPageProps) {
  const navigate = useNavigate();
  const project = useQuery(projectQuery(projectId));
  const progress = useQuery(myProgressQuery(projectId));
  const [preferences, setPreferences] = usePreferences();
  const [desk, state] = useDesk(userId, projectId);
  const [showsDifferences, setShowsDifferences] = useState(false);
  const [guidelinesOpen, setGuidelinesOpen] = useState(false);
  const [keysOpen, setKeysOpen] = useState(false);
  const current = state.deck[0];

  useEffect(() => {
    if (revise === undefined) return;
    void desk.reopen(revise);
    void navigate({ to: "/p/$projectId/desk", params: { projectId }, search: {}, replace: true });
  }, [desk, navigate, projectId, revise]);

  const act = (key: KeyAct) => {
    if (key.type === "help") setKeysOpen(true);
    if (key.type !== "command") return;
    if (key.command === "undo") desk.undo();
    if (key.command === "differences") setShowsDifferences(!showsDifferences);
    if (key.command === "guidelines") setGuidelinesOpen(!guidelinesOpen);
    if (key.command === "history") void navigate({ to: "/p/$projectId/history", params: { projectId } });
  };
  useKeys(preferences.singleKeys && current === undefined && !keysOpen, preferences.bindings, act);

  const lastDone = state.done !== null && (
    <DoneBar
      done={state.done}
      unsent={state.isRetrying ? state.unsent : 0}
      projectId={projectId}
      undoKey={keyName(preferences.bindings.undo)}
      onUndo={() => desk.undo()}
      onReason={(reason) => desk.sendSkip(reason)}
    />
  );

  return (
    <div className="flex min-h-full flex-1">
      <title>{`${t.desk.title} · Plackett`}</title>
      <div className="flex min-w-0 flex-1 flex-col">
        <DeskBar
          project={project.data?.name ?? t.desk.title}
          progress={progress.data}
          preferences={preferences}
          onPreferences={setPreferences}
          guidelinesOpen={guidelinesOpen}
          onGuidelines={() => setGuidelinesOpen(!guidelinesOpen)}
          showsDifferences={showsDifferences}
          onDifferences={() => setShowsDifferences(!showsDifferences)}
          onKeys={() => setKeysOpen(true)}
        />
        <div className="mx-auto grid w-full max-w-[150rem] gap-2 px-4 sm:px-7">
          {state.error !== null && <ErrorNote error={state.error} onRetry={() => desk.start()} />}
        </div>
        {current !== undefined ? (
          <Workbench
            key={`${current.id}:${current.previous?.revision ?? 0}`}
            userId={userId}
            assignment={current}
            preferences={preferences}
            showsDifferences={showsDifferences}
            isPaused={keysOpen}
            onSubmit={(key, ranking) => desk.submit(current, key, ranking)}
            onSkip={() => desk.skip(current)}
            onPutAway={() => desk.putAway(current)}
            onAct={act}
          >
            {lastDone}
          </Workbench>
        ) : state.waiting !== null ? (
          <>
            <WaitingPanel waiting={state.waiting} projectId={projectId} seesLoop={seesLoop} />
            {lastDone}
          </>
        ) : (
          state.error === null && <Skeleton lines={9} className="px-7" />
        )}
      </div>
      {guidelinesOpen && (
        <GuidelinesPanel text={project.data?.settings.guidelines ?? ""} onClose={() => setGuidelinesOpen(false)} />
      )}
      {keysOpen && (
        <KeysDialog preferences={preferences} onPreferences={setPreferences} onClose={() => setKeysOpen(false)} />
      )}
    </div>
  );
}
