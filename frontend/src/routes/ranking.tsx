import { getRouteApi } from "@tanstack/react-router";

import { HistoryPage } from "@/features/history/HistoryPage";
import { DeskPage } from "@/features/ranking/DeskPage";
import { WritingPage } from "@/features/writing/WritingPage";

import { useProject } from "./useProject";

const desk = getRouteApi("/signed-in/p/$projectId/desk");

export function DeskRoute() {
  const { user, projectId, role } = useProject();
  const { revise } = desk.useSearch();
  return (
    <DeskPage key={projectId} userId={user.id} projectId={projectId} seesLoop={role !== "annotator"} revise={revise} />
  );
}

export function HistoryRoute() {
  const { projectId } = useProject();
  return <HistoryPage projectId={projectId} />;
}

export function WriteRoute() {
  const { user, projectId } = useProject();
  return <WritingPage key={projectId} userId={user.id} projectId={projectId} />;
}
