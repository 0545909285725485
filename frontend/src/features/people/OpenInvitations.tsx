import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { invitationsQuery, revokeInvitation } from "@/api/people";
import { Button } from "@/components/Button";
import { formatFull } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

export function OpenInvitations({ projectId }: { projectId: number }) {
  const invitations = useQuery(invitationsQuery(projectId));
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: number) => revokeInvitation(projectId, id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["invitations", projectId] }),
  });
  const rows = invitations.data?.items ?? [];
  if (invitations.isError) return <ErrorNote error={invitations.error} onRetry={invitations.refetch} />;
  if (rows.length === 0) return null;
  return (
    <Panel title={t.project.invitations} flush>
      {revoke.isError && <ErrorNote error={revoke.error} />}
      <ul className="divide-line divide-y">
        {rows.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-3 px-5 py-3">
            <span className="me-auto">{one.email ?? t.project.invitationAny}</span>
            <Pill>{t.project.roles[one.role]}</Pill>
            <span className="text-soft text-sm">{t.project.invitationUntil(formatFull(one.expires_at))}</span>
            <Button size="small" busy={revoke.isPending} onClick={() => revoke.mutate(one.id)}>
              {t.project.revoke}
            </Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
