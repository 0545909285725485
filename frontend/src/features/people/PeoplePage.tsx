import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { changeMember, membersQuery, removeMember } from "@/api/people";
import type { Member, Role } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Switch } from "@/components/Field";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { InviteDialog } from "./InviteDialog";
import { OpenInvitations } from "./OpenInvitations";

export const ROLES = ["annotator", "researcher", "admin"] as const satisfies readonly Role[];

interface PeoplePageProps {
  projectId: number;
  userId: number;
}

export function PeoplePage({ projectId, userId }: PeoplePageProps) {
  const members = useQuery(membersQuery(projectId));
  const [invites, setInvites] = useState(false);
  return (
    <Page
      title={t.shell.people}
      lead={t.project.peopleLead}
      actions={
        <Button variant="primary" onClick={() => setInvites(true)}>
          {t.project.inviteTitle}
        </Button>
      }
    >
      {members.isError && <ErrorNote error={members.error} onRetry={members.refetch} />}
      <Panel flush>
        {members.isPending && <Skeleton />}
        {members.data !== undefined && (
          <Table caption={t.shell.people} head={t.project.memberColumns}>
            {members.data.items.map((member) => (
              <Row key={member.user.id} member={member} projectId={projectId} isSelf={member.user.id === userId} />
            ))}
          </Table>
        )}
      </Panel>
      <OpenInvitations projectId={projectId} />
      {invites && <InviteDialog projectId={projectId} onClose={() => setInvites(false)} />}
    </Page>
  );
}

interface RowProps {
  member: Member;
  projectId: number;
  isSelf: boolean;
}

function Row({ member, projectId, isSelf }: RowProps) {
  const { user, role, paused } = member;
  const queries = useQueryClient();
  const [asks, setAsks] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ["members", projectId] });
  const change = useMutation({
    mutationFn: (to: { role?: Role; paused?: boolean }) => changeMember(projectId, user.id, to),
    onSettled: refresh,
  });
  const remove = useMutation({ mutationFn: () => removeMember(projectId, user.id), onSuccess: refresh });
  return (
    <tr>
      <Cell head>
        {user.name}
        {isSelf && <span className="text-soft font-normal">{` (${t.project.you})`}</span>}
        <span className="text-soft block text-sm font-normal">{user.email}</span>
        {change.isError && <ErrorNote error={change.error} />}
      </Cell>
      <Cell>
        <select
          aria-label={t.project.roleOf(user.name)}
          value={role}
          disabled={isSelf || change.isPending}
          onChange={(event) => {
            const chosen = ROLES.find((one) => one === event.target.value);
            if (chosen !== undefined) change.mutate({ role: chosen });
          }}
          className="border-edge/60 bg-panel h-9 rounded-lg border px-2 disabled:opacity-70 pointer-coarse:h-11"
        >
          {ROLES.map((one) => (
            <option key={one} value={one}>
              {t.project.roles[one]}
            </option>
          ))}
        </select>
      </Cell>
      <Cell className="min-w-44">
        {role !== "researcher" && (
          <Switch
            label={t.project.pausedOf(user.name)}
            checked={!paused}
            disabled={change.isPending}
            onChange={(may) => change.mutate({ paused: !may })}
          />
        )}
      </Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={member.joined_at} />
      </Cell>
      <Cell>
        {!isSelf && (
          <Button size="small" variant="danger" onClick={() => setAsks(true)}>
            {t.project.removeMember}
          </Button>
        )}
        {asks && (
          <Dialog title={t.project.removeMember} onClose={() => setAsks(false)}>
            <p>{t.project.removeAsk(user.name)}</p>
            {remove.isError && <ErrorNote error={remove.error} />}
            <div className="flex justify-end gap-2">
              <Button onClick={() => setAsks(false)}>{t.common.cancel}</Button>
              <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
                {t.project.removeMember}
              </Button>
            </div>
          </Dialog>
        )}
      </Cell>
    </tr>
  );
}
