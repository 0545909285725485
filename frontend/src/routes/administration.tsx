import { getRouteApi } from "@tanstack/react-router";

import { AuditPage } from "@/features/audit/AuditPage";
import { GuidelinesPage } from "@/features/guidelines/GuidelinesPage";
import { KnownPage } from "@/features/known/KnownPage";
import { MakerPage } from "@/features/known/MakerPage";
import { PeoplePage } from "@/features/people/PeoplePage";
import { ReportsPage } from "@/features/reports/ReportsPage";
import { SettingsPage } from "@/features/settings/SettingsPage";
import { TasksPage } from "@/features/tasks/TasksPage";
import { TokensPage } from "@/features/tokens/TokensPage";
import { WebhooksPage } from "@/features/webhooks/WebhooksPage";

import { useProject } from "./useProject";

export function GuidelinesRoute() {
  return <GuidelinesPage projectId={useProject().projectId} />;
}

const maker = getRouteApi("/signed-in/p/$projectId/known/new");

export function KnownRoute() {
  return <KnownPage projectId={useProject().projectId} />;
}

export function MakerRoute() {
  const { purpose = "gold" } = maker.useSearch();
  return <MakerPage projectId={useProject().projectId} purpose={purpose} />;
}

export function ReportsRoute() {
  return <ReportsPage projectId={useProject().projectId} />;
}

export function TasksRoute() {
  return <TasksPage projectId={useProject().projectId} />;
}

export function PeopleRoute() {
  const { projectId, user } = useProject();
  return <PeoplePage projectId={projectId} userId={user.id} />;
}

export function TokensRoute() {
  return <TokensPage projectId={useProject().projectId} />;
}

export function WebhooksRoute() {
  return <WebhooksPage projectId={useProject().projectId} />;
}

export function SettingsRoute() {
  return <SettingsPage projectId={useProject().projectId} />;
}

export function AuditRoute() {
  return <AuditPage projectId={useProject().projectId} />;
}
