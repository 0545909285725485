import { useMutation, useQueryClient } from "@tanstack/react-query";

import type { NewSecret, WebhookEvent } from "@/api/types";
import { addWebhook, rotateSecret, webhooksQuery } from "@/api/webhooks";
import { Button } from "@/components/Button";
import { CopyBlock } from "@/components/Copy";
import { Dialog } from "@/components/Dialog";
import { Check, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";
import { en } from "@/strings/en";

const EVENTS = Object.keys(en.webhooks.eventText) as WebhookEvent[];

/** An address and what it is told of; its secret is shown this once. */
export function AddDialog({ projectId, onClose }: { projectId: number; onClose: () => void }) {
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: (form: FormData) =>
      addWebhook(projectId, {
        url: fieldText(form, "url"),
        events: EVENTS.filter((event) => form.has(event)),
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: webhooksQuery(projectId).queryKey }),
  });
  if (add.data !== undefined) return <SecretDialog made={add.data} onClose={onClose} />;
  return (
    <Dialog title={t.webhooks.add} onClose={onClose}>
      <form onSubmit={submitting((form) => add.mutate(form))} className="grid gap-4">
        <TextField
          label={t.webhooks.url}
          hint={t.webhooks.urlHint}
          name="url"
          type="url"
          dir="ltr"
          required
          maxLength={2000}
          placeholder="https://"
        />
        <fieldset className="grid gap-0.5">
          <legend className="pb-1 text-sm font-semibold">{t.webhooks.events}</legend>
          {EVENTS.map((event) => (
            <Check
              key={event}
              name={event}
              label={t.webhooks.event[event]}
              hint={t.webhooks.eventText[event]}
              defaultChecked
            />
          ))}
        </fieldset>
        {add.isError && <ErrorNote error={add.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" variant="primary" busy={add.isPending}>
            {t.webhooks.addGo}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface RotateProps {
  projectId: number;
  webhookId: number;
  onClose: () => void;
}

/** Asks before it makes a new secret, and shows it this once. */
export function RotateDialog({ projectId, webhookId, onClose }: RotateProps) {
  const queries = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => rotateSecret(projectId, webhookId),
    onSuccess: () => queries.invalidateQueries({ queryKey: webhooksQuery(projectId).queryKey }),
  });
  if (rotate.data !== undefined) return <SecretDialog made={rotate.data} onClose={onClose} />;
  return (
    <Dialog title={t.webhooks.rotate} onClose={onClose}>
      <p>{t.webhooks.rotateText}</p>
      {rotate.isError && <ErrorNote error={rotate.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate()}>
          {t.webhooks.rotateGo}
        </Button>
      </div>
    </Dialog>
  );
}

function SecretDialog({ made, onClose }: { made: NewSecret; onClose: () => void }) {
  return (
    <Dialog title={t.webhooks.made} onClose={onClose}>
      <p className="text-soft">{t.webhooks.secretText}</p>
      <CopyBlock label={t.webhooks.secret} text={made.secret} />
      <p className="text-soft">{t.common.shownOnce}</p>
      <div className="flex justify-end">
        <Button onClick={onClose}>{t.common.close}</Button>
      </div>
    </Dialog>
  );
}
