import type { WebhookMessage } from "@/api/types";
import { Pill, type Tone } from "@/components/Pill";
import { Time } from "@/components/Time";
import { t } from "@/strings";

const TONES: Record<WebhookMessage["state"], Tone> = { waiting: "warn", delivered: "good", given_up: "bad" };

/** How a message went, in a line. */
export function Outcome({ message }: { message: WebhookMessage }) {
  return (
    <>
      <StatePill message={message} />
      <span>{t.webhooks.event[message.type]}</span>
      {message.error !== null && <span>{message.error}</span>}
      <Time iso={message.delivered_at ?? message.created_at} />
    </>
  );
}

export function StatePill({ message }: { message: WebhookMessage }) {
  return <Pill tone={TONES[message.state]}>{t.webhooks.states[message.state]}</Pill>;
}
