import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { webhooksQuery } from "@/api/webhooks";
import { Button } from "@/components/Button";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

import { AddDialog } from "./AddDialog";
import { WebhookRow } from "./WebhookRow";

export function WebhooksPage({ projectId }: { projectId: number }) {
  const webhooks = useQuery(webhooksQuery(projectId));
  const [adds, setAdds] = useState(false);
  const rows = webhooks.data?.items ?? [];
  return (
    <Page
      title={t.shell.webhooks}
      lead={t.webhooks.lead}
      actions={
        <Button variant="primary" onClick={() => setAdds(true)}>
          {t.webhooks.add}
        </Button>
      }
    >
      {webhooks.isError && <ErrorNote error={webhooks.error} onRetry={webhooks.refetch} />}
      <Panel flush>
        {webhooks.isPending && <Skeleton />}
        {webhooks.isSuccess && rows.length === 0 && (
          <EmptyState title={t.webhooks.empty}>{t.webhooks.emptyText}</EmptyState>
        )}
        <ul className="divide-line divide-y">
          {rows.map((webhook) => (
            <WebhookRow key={webhook.id} webhook={webhook} projectId={projectId} />
          ))}
        </ul>
      </Panel>
      {adds && <AddDialog projectId={projectId} onClose={() => setAdds(false)} />}
    </Page>
  );
}
