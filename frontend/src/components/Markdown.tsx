import "./markdown/markdown.css";

import { memo, type ReactNode } from "react";

import { t } from "@/strings";

import { cx } from "./cx";
import type { Range } from "./markdown/marks";
import { Passage } from "./markdown/Passage";
import { readingOf } from "./markdown/reading";
import { useParts } from "./markdown/useParts";

/** Ranges of a text's visible characters, in order. */
export type Marked = readonly Range[];

interface MarkdownProps {
  text: string;
  marked?: Marked | undefined;
  raw?: boolean;
  className?: string | undefined;
}

/** The characters that `Markdown` shows of a text, formulas as their source: what marks are counted in. */
export function visibleText(text: string, raw = false): string {
  return raw ? text : (readingOf(text)?.text ?? text);
}

/** Text that a person or a model wrote: no scripts, no images, no address opened without a question. */
export const Markdown = memo(function Markdown({ text, marked, raw = false, className }: MarkdownProps) {
  const reading = raw ? null : readingOf(text);
  const parts = useParts(reading);
  if (reading === null) return <Source text={text} marked={marked} className={className} />;
  return (
    <div dir="auto" className={cx("prose", className)}>
      <Passage root={reading.root} parts={parts} ranges={marked} />
    </div>
  );
});

/** A text as it was written, sign for sign. */
export function Source({ text, marked = [], className }: Omit<MarkdownProps, "raw">) {
  const pieces: ReactNode[] = [];
  let at = 0;
  for (const [start, end] of marked) {
    pieces.push(text.slice(at, start));
    pieces.push(
      <mark key={start} data-before={t.reading.differs} data-after={t.reading.differsEnd}>
        {text.slice(start, end)}
      </mark>,
    );
    at = end;
  }
  return (
    <p dir="auto" className={cx("prose font-mono text-sm leading-6 whitespace-pre-wrap", className)}>
      {pieces}
      {text.slice(at)}
    </p>
  );
}
