import { useInfiniteQuery } from "@tanstack/react-query";

import { allItems } from "@/api/paging";
import type { Webhook, WebhookMessage } from "@/api/types";
import { messagesQuery } from "@/api/webhooks";
import { formatCount } from "@/components/format";
import { MoreButton } from "@/components/MoreButton";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { StatePill } from "./Outcome";

/** What a webhook was told, newest first, and how each message went. */
export function Messages({ projectId, webhook }: { projectId: number; webhook: Webhook }) {
  const messages = useInfiniteQuery(messagesQuery(projectId, webhook.id));
  const rows = allItems(messages.data);
  return (
    <div className="border-line min-w-0 overflow-hidden rounded-xl border">
      {messages.isPending && <Skeleton lines={2} />}
      {messages.isError && <ErrorNote error={messages.error} onRetry={messages.refetch} />}
      {messages.isSuccess && rows.length === 0 && <p className="text-soft p-4 text-sm">{t.webhooks.noMessages}</p>}
      {rows.length > 0 && (
        <Table caption={t.webhooks.messagesOf(webhook.url)} head={t.webhooks.columns}>
          {rows.map((message) => (
            <Row key={message.id} message={message} />
          ))}
        </Table>
      )}
      <MoreButton query={messages} />
    </div>
  );
}

function Row({ message }: { message: WebhookMessage }) {
  return (
    <tr>
      <Cell head>
        {t.webhooks.event[message.type]}
        <code className="text-soft block font-mono text-xs">{message.message_id}</code>
      </Cell>
      <Cell>
        <StatePill message={message} />
      </Cell>
      <Cell className="min-w-48">{message.error ?? message.status ?? t.common.none}</Cell>
      <Cell>{formatCount(message.attempts)}</Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={message.delivered_at ?? message.created_at} />
        {message.next_attempt_at !== null && message.error !== null && (
          <span className="text-soft block text-sm">
            {t.webhooks.again} <Time iso={message.next_attempt_at} />
          </span>
        )}
      </Cell>
    </tr>
  );
}
