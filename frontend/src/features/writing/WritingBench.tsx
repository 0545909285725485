import { type KeyboardEvent, useEffect, useRef, useState } from "react";

import type { NewDemonstration, WritingAssignment } from "@/api/types";
import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { TextArea } from "@/components/Field";
import { wordCount } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { Conversation } from "@/features/ranking/Conversation";
import { DraftWord } from "@/features/ranking/Footer";
import { t } from "@/strings";

import { effortOf } from "./effort";
import { useText } from "./useText";
import type { WriterState } from "./writer";

interface WritingBenchProps {
  userId: number;
  assignment: WritingAssignment;
  done: WriterState["done"];
  onSubmit: (key: string, demonstration: NewDemonstration) => void;
  onSkip: () => void;
  onSignedOut: (error: unknown) => void;
}

/** One prompt, and the answer a person writes to it: source and preview side by side, one of them on a phone. */
export function WritingBench({ userId, assignment, done, onSubmit, onSkip, onSignedOut }: WritingBenchProps) {
  const work = useText(userId, assignment, onSignedOut);
  const [isPreview, setPreview] = useState(false);
  const [complaint, setComplaint] = useState<string | null>(null);
  const top = useRef<HTMLDivElement>(null);
  const { text } = work;

  useEffect(() => {
    globalThis.scrollTo({ top: 0 });
    top.current?.querySelector("textarea")?.focus({ preventScroll: true });
  }, []);

  const submit = () => {
    const effort = effortOf(text, assignment.prompt.messages);
    if (effort === "enough") onSubmit(work.key, { text: text.trim(), active_ms: work.activeMs() });
    else {
      setComplaint(t.desk.writing[effort]);
      top.current?.querySelector("textarea")?.focus();
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) submit();
  };
  const write = (after: string) => {
    setComplaint(null);
    work.write(after);
  };
  return (
    <>
      <div
        ref={top}
        role="group"
        aria-label={t.desk.writing.newTask}
        className="mx-auto grid w-full max-w-[110rem] flex-1 content-start gap-4 px-4 pt-1 pb-6 sm:px-7"
      >
        {work.isRestored && (
          <p role="status" className="text-good text-sm font-medium">
            {t.desk.writing.restored}
          </p>
        )}
        <Conversation messages={assignment.prompt.messages} raw={false} />
        <Tabs isPreview={isPreview} onPreview={setPreview} />
        <div className="grid gap-4 lg:grid-cols-2">
          <div className={cx(isPreview && "max-lg:hidden")} onKeyDown={press}>
            <TextArea
              label={t.desk.writing.answer}
              hint={t.desk.writing.hint}
              error={complaint ?? undefined}
              dir="auto"
              rows={14}
              maxLength={100_000}
              value={text}
              onChange={(event) => write(event.target.value)}
            />
          </div>
          <Preview text={text} isHidden={!isPreview} />
        </div>
      </div>
      <footer className="border-line bg-panel sticky bottom-0 z-20 border-t pb-[env(safe-area-inset-bottom)]">
        <div className="mx-auto flex w-full max-w-[110rem] flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2.5 sm:px-7">
          <span className="text-soft text-sm tabular-nums">{t.desk.writing.words(wordCount(text))}</span>
          <span role="status" className="text-good me-auto text-sm font-medium">
            {done !== null && work.draft === "none" && t.desk.writing[done]}
          </span>
          <DraftWord draft={work.draft} />
          <div className="flex gap-2 max-sm:w-full">
            <Button onClick={onSkip} className="max-sm:flex-1">
              {t.desk.writing.skip}
            </Button>
            <Button variant="primary" onClick={submit} className="min-w-28 max-sm:flex-2">
              {t.desk.writing.submit}
              <span aria-hidden="true" className="text-sm opacity-75 pointer-coarse:hidden">
                Ctrl ⏎
              </span>
            </Button>
          </div>
        </div>
      </footer>
    </>
  );
}

/** The answer as readers will see it; beside the source where there is room. */
function Preview({ text, isHidden }: { text: string; isHidden: boolean }) {
  return (
    <section
      aria-label={t.desk.writing.preview}
      className={cx("grid content-start gap-1.5", isHidden && "max-lg:hidden")}
    >
      <h2 className="text-sm font-semibold max-lg:sr-only">{t.desk.writing.preview}</h2>
      <div className="border-line bg-panel shadow-lift min-h-40 rounded-2xl border px-5 py-4 lg:min-h-[22rem]">
        {text.trim() === "" ? (
          <p className="text-soft">{t.desk.writing.previewEmpty}</p>
        ) : (
          <Markdown text={text} className="max-w-[75ch]" />
        )}
      </div>
    </section>
  );
}

function Tabs({ isPreview, onPreview }: { isPreview: boolean; onPreview: (on: boolean) => void }) {
  return (
    <div
      role="group"
      aria-label={t.desk.writing.answer}
      className="border-edge/60 flex rounded-lg border p-0.5 lg:hidden"
    >
      {[false, true].map((on) => (
        <button
          key={String(on)}
          type="button"
          aria-pressed={isPreview === on}
          onClick={() => onPreview(on)}
          className={cx(
            "h-11 flex-1 rounded-md text-sm font-semibold",
            isPreview === on ? "bg-accent-soft text-accent" : "text-soft",
          )}
        >
          {on ? t.desk.writing.preview : t.desk.writing.write}
        </button>
      ))}
    </div>
  );
}
