import type { Assignment } from "@/api/types";
import { cx } from "@/components/cx";
import { FoldedMarkdown } from "@/components/markdown/FoldedMarkdown";
import { t } from "@/strings";

/** A prompt longer than a few screens keeps its ends: what it is about, and what is asked. */
const LONG = { words: 1200, lines: 40, head: { words: 320, lines: 16 }, tail: { words: 160, lines: 8 } };
/** Of a system turn, which is the same in many tasks, a few lines say which one it is. */
const CONTEXT = { words: 80, lines: 6, head: { words: 40, lines: 3 }, tail: { words: 0, lines: 0 } };

function speaker(role: string): string {
  const names: Record<string, string> = { user: t.desk.person, assistant: t.desk.assistant, system: t.desk.system };
  return names[role] ?? role;
}

/** What the answers answer: a system turn as context, then each turn as in a chat, the last one in reading size. */
export function Conversation({ messages, raw }: { messages: Assignment["prompt"]["messages"]; raw: boolean }) {
  const isChat = messages.filter(({ role }) => role !== "system").length > 1;
  return (
    <section
      aria-label={t.desk.conversation}
      className="border-line bg-panel shadow-lift rounded-2xl border px-4 py-4 sm:px-5"
    >
      <ol className="grid gap-3">
        {messages.map((message, place) => (
          <Turn
            key={place}
            role={String(message.role)}
            text={String(message.content)}
            raw={raw}
            isChat={isChat}
            isLast={place === messages.length - 1}
          />
        ))}
      </ol>
    </section>
  );
}

interface TurnProps {
  role: string;
  text: string;
  raw: boolean;
  isChat: boolean;
  isLast: boolean;
}

const BUBBLES: Record<string, string> = {
  user: "bg-accent-soft ms-auto max-w-[90%] rounded-2xl rounded-ee-sm px-4 py-2.5 sm:max-w-[80%]",
  assistant: "border-line bg-sunken me-auto max-w-[90%] rounded-2xl rounded-es-sm border px-4 py-2.5 sm:max-w-[80%]",
};
const SYSTEM = "border-edge/40 border-s-2 ps-3 text-soft text-sm";

function Turn({ role, text, raw, isChat, isLast }: TurnProps) {
  const isSystem = role === "system";
  return (
    <li className={cx("grid min-w-0 gap-1", isSystem ? SYSTEM : isChat && BUBBLES[role])}>
      <p className="text-soft text-xs font-semibold">{speaker(role)}</p>
      <FoldedMarkdown
        text={text}
        raw={raw}
        limits={isSystem ? CONTEXT : LONG}
        className={cx("max-w-[80ch] min-w-0", isLast && "max-w-[95ch]! text-lg leading-7")}
      />
    </li>
  );
}
