import type { Assignment } from "@/api/types";
import { cx } from "@/components/cx";
import { Markdown } from "@/components/Markdown";
import { t } from "@/strings";

function speaker(role: string): string {
  const names: Record<string, string> = { user: t.desk.person, assistant: t.desk.assistant, system: t.desk.system };
  return names[role] ?? role;
}

/** What the answers answer: each turn with its speaker, the last one in reading size. */
export function Conversation({ messages, raw }: { messages: Assignment["prompt"]["messages"]; raw: boolean }) {
  return (
    <section
      aria-label={t.desk.conversation}
      className="border-line bg-panel shadow-lift grid gap-4 rounded-2xl border px-5 py-4"
    >
      {messages.map((message, place) => {
        const role = String(message.role);
        const isLast = place === messages.length - 1;
        return (
          <div
            key={place}
            className={cx(
              "grid gap-1",
              role === "assistant" && "border-line bg-sunken ml-4 rounded-xl border px-4 py-3 sm:ml-12",
              role === "system" && "text-soft text-sm",
            )}
          >
            <p className="text-soft text-xs font-semibold">{speaker(role)}</p>
            <Markdown
              text={String(message.content)}
              raw={raw}
              className={cx("max-w-[80ch]", isLast && "max-w-[95ch]! text-lg leading-7")}
            />
          </div>
        );
      })}
    </section>
  );
}
