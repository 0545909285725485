import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { membersQuery, standingsQuery } from "@/api/people";
import { projectQuery } from "@/api/projects";
import { Button } from "@/components/Button";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

import { InviteDialog } from "./InviteDialog";
import { MemberRow } from "./MemberRow";
import { OpenInvitations } from "./OpenInvitations";

interface PeoplePageProps {
  projectId: number;
  userId: number;
}

export function PeoplePage({ projectId, userId }: PeoplePageProps) {
  const members = useQuery(membersQuery(projectId));
  const standings = useQuery(standingsQuery(projectId));
  const project = useQuery(projectQuery(projectId));
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
          <ul aria-label={t.shell.people} className="divide-line divide-y">
            {members.data.items.map((member) => (
              <MemberRow
                key={member.user.id}
                member={member}
                projectId={projectId}
                isSelf={member.user.id === userId}
                standing={standings.data?.get(member.user.id)}
                settings={project.data?.settings}
              />
            ))}
          </ul>
        )}
      </Panel>
      <OpenInvitations projectId={projectId} />
      {invites && <InviteDialog projectId={projectId} onClose={() => setInvites(false)} />}
    </Page>
  );
}
