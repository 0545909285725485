import { AuditPage } from "@/features/audit/AuditPage";
import { GuidelinesPage } from "@/features/guidelines/GuidelinesPage";
import { PeoplePage } from "@/features/people/PeoplePage";
import { SettingsPage } from "@/features/settings/SettingsPage";
import { TokensPage } from "@/features/tokens/TokensPage";

import { useProject } from "./useProject";

export function GuidelinesRoute() {
  return <GuidelinesPage projectId={useProject().projectId} />;
}

export function PeopleRoute() {
  const { projectId, user } = useProject();
  return <PeoplePage projectId={projectId} userId={user.id} />;
}

export function TokensRoute() {
  return <TokensPage projectId={useProject().projectId} />;
}

export function SettingsRoute() {
  return <SettingsPage projectId={useProject().projectId} />;
}

export function AuditRoute() {
  return <AuditPage projectId={useProject().projectId} />;
}
