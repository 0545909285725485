import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { myProgressQuery } from "@/api/desk";
import { projectQuery } from "@/api/projects";
import { t } from "@/strings";

import { DeskBar } from "./DeskBar";
import { DeskNotices } from "./DeskNotices";
import { DoneBar } from "./DoneBar";
import { GuidelinesPanel } from "./GuidelinesPanel";
import { KeysDialog } from "./KeysDialog";
import { type KeyAct, keyName } from "./keys";
import { usePreferences } from "./preferences";
import { TaskArea } from "./TaskArea";
import { useDesk } from "./useDesk";
import { useGuidelines } from "./useGuidelines";
import { useKeys } from "./useKeys";

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
  const isIdle = state.practised === null && state.deck.length === 0;
  const guidelines = useGuidelines(projectId, state.deck[0]?.guideline.number ?? null);

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
  useKeys(preferences.singleKeys && isIdle && !keysOpen, preferences.bindings, act);

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
          writesIn={project.data?.settings.annotators_write === true ? projectId : null}
        />
        <DeskNotices
          state={state}
          guidelines={guidelines}
          areGuidelinesOpen={guidelinesOpen}
          onGuidelines={() => setGuidelinesOpen(true)}
          onRetry={() => desk.start()}
        />
        <TaskArea
          desk={desk}
          state={state}
          userId={userId}
          projectId={projectId}
          seesLoop={seesLoop}
          preferences={preferences}
          showsDifferences={showsDifferences}
          isPaused={keysOpen}
          onAct={act}
        >
          {lastDone}
        </TaskArea>
      </div>
      {guidelinesOpen && <GuidelinesPanel guidelines={guidelines} onClose={() => setGuidelinesOpen(false)} />}
      {keysOpen && (
        <KeysDialog preferences={preferences} onPreferences={setPreferences} onClose={() => setKeysOpen(false)} />
      )}
    </div>
  );
}
