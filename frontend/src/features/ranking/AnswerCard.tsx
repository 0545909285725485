import { useEffect, useRef } from "react";

import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { Markdown, type Marked } from "@/components/Markdown";

import type { Bench } from "./bench";
import { CardHead } from "./CardHead";
import { Flags } from "./Flags";
import { Scores } from "./Scores";

interface AnswerCardProps {
  bench: Bench;
  card: Card;
  raw: boolean;
  marked: Marked | undefined;
  flagsKey: string;
}

/** One answer in full. Its head can be dragged with a mouse; fingers tap a place instead, so scrolling moves nothing. */
export function AnswerCard({ bench, card, raw, marked, flagsKey }: AnswerCardProps) {
  const { judgment, assignment, act, watch } = bench;
  const box = useRef<HTMLElement>(null);
  const isSelected = judgment.selected === card.id;
  const { ask_rating: asksRating, ask_flags: asksFlags, aspects } = assignment.form;

  useEffect(() => (box.current === null ? undefined : watch(card.id, box.current)), [watch, card.id]);

  return (
    <article
      ref={box}
      aria-labelledby={`answer-${card.id}`}
      data-answer={card.letter}
      data-completion={card.id}
      className={cx(
        "bg-panel shadow-lift flex min-w-0 flex-col rounded-2xl border transition-[border-color]",
        isSelected ? "border-accent ring-accent ring-1" : "border-line",
      )}
    >
      <CardHead bench={bench} card={card} />
      <div className="flex-1 px-4 pt-3 pb-4" onClick={() => act({ type: "select", id: card.id })}>
        <Markdown text={card.text} raw={raw} marked={marked} className="max-w-[75ch]" />
      </div>
      {(asksRating || asksFlags || aspects.length > 0) && (
        <footer className="grid gap-3 px-4 pb-4">
          {(asksRating || aspects.length > 0) && <Scores bench={bench} card={card} />}
          {asksFlags && <Flags bench={bench} card={card} flagsKey={flagsKey} />}
        </footer>
      )}
    </article>
  );
}
