import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import type { Webhook } from "@/api/types";
import { changeWebhook, testWebhook, webhooksQuery } from "@/api/webhooks";
import { Button } from "@/components/Button";
import { ErrorNote } from "@/components/Notice";
import { Pill } from "@/components/Pill";
import { Time } from "@/components/Time";
import { useNow } from "@/components/useNow";
import { t } from "@/strings";

import { RotateDialog } from "./AddDialog";
import { Messages } from "./Messages";
import { Outcome } from "./Outcome";

/** A webhook, what can be done with it and how its last message went; opened, all its messages. */
export function WebhookRow({ webhook, projectId }: { webhook: Webhook; projectId: number }) {
  const [isOpen, setOpen] = useState(false);
  const now = useNow();
  const { url, last, old_secret_until: until } = webhook;
  return (
    <li className="grid gap-3 px-5 py-4">
      <div className="grid gap-3 lg:grid-cols-[minmax(0,1fr)_auto] lg:gap-6">
        <div className="grid gap-1.5">
          <p dir="ltr" className="font-medium wrap-anywhere">
            {url}
          </p>
          <p className="flex flex-wrap items-center gap-1.5">
            <Pill tone={webhook.enabled ? "good" : "neutral"}>{webhook.enabled ? t.webhooks.on : t.webhooks.off}</Pill>
            {webhook.events.map((event) => (
              <Pill key={event}>{t.webhooks.event[event]}</Pill>
            ))}
          </p>
          <p className="text-soft flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
            {last === null ? t.webhooks.never : <Outcome message={last} />}
          </p>
          {until !== null && Date.parse(until) > now && (
            <p className="text-soft text-sm">
              {t.webhooks.oldUntil} <Time iso={until} />
            </p>
          )}
        </div>
        <Actions webhook={webhook} projectId={projectId} isOpen={isOpen} onOpen={setOpen} />
      </div>
      {isOpen && <Messages projectId={projectId} webhook={webhook} />}
    </li>
  );
}

interface ActionsProps {
  webhook: Webhook;
  projectId: number;
  isOpen: boolean;
  onOpen: (open: boolean) => void;
}

function Actions({ webhook, projectId, isOpen, onOpen }: ActionsProps) {
  const queries = useQueryClient();
  const [rotates, setRotates] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: webhooksQuery(projectId).queryKey });
  const turn = useMutation({
    mutationFn: () => changeWebhook(projectId, webhook.id, { enabled: !webhook.enabled }),
    onSuccess: refresh,
  });
  const test = useMutation({
    mutationFn: () => testWebhook(projectId, webhook.id),
    onSuccess: () => {
      onOpen(true);
      return refresh();
    },
  });
  const { url, enabled } = webhook;
  const words = t.webhooks;
  return (
    <div className="grid content-start gap-2 lg:justify-items-end">
      <div className="flex flex-wrap gap-2">
        <Button size="small" aria-expanded={isOpen} aria-label={words.messagesOf(url)} onClick={() => onOpen(!isOpen)}>
          {words.messages}
        </Button>
        {enabled && (
          <Button size="small" busy={test.isPending} aria-label={words.testThis(url)} onClick={() => test.mutate()}>
            {words.test}
          </Button>
        )}
        <Button size="small" aria-label={words.rotateThis(url)} onClick={() => setRotates(true)}>
          {words.rotate}
        </Button>
        <Button
          size="small"
          variant={enabled ? "danger" : "plain"}
          busy={turn.isPending}
          aria-label={enabled ? words.switchOffThis(url) : words.switchOnThis(url)}
          onClick={() => turn.mutate()}
        >
          {enabled ? words.switchOff : words.switchOn}
        </Button>
      </div>
      {turn.isError && <ErrorNote error={turn.error} />}
      {test.isError && <ErrorNote error={test.error} />}
      {rotates && <RotateDialog projectId={projectId} webhookId={webhook.id} onClose={() => setRotates(false)} />}
    </div>
  );
}
