import { useDraggable } from "@dnd-kit/core";

import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { wordCount } from "@/components/format";
import { Icon } from "@/components/Icon";
import { Markdown } from "@/components/Markdown";
import { t } from "@/strings/en";

import { type Bench, keepFocus } from "./bench";
import { Flags } from "./Flags";
import { PlaceChips } from "./PlaceChips";
import { placeOf, tiedWith } from "./ranking";
import { Rating } from "./Rating";

interface AnswerCardProps {
  bench: Bench;
  card: Card;
  raw: boolean;
  marked: ReadonlySet<string> | undefined;
  flagsOpen: boolean;
}

/** One answer in full. Its head can be dragged with a mouse; fingers tap a place instead, so scrolling moves nothing. */
export function AnswerCard({ bench, card, raw, marked, flagsOpen }: AnswerCardProps) {
  const { judgment, assignment, act } = bench;
  const place = placeOf(judgment.ranking, card.id);
  const isSelected = judgment.selected === card.id;
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: `card:${card.id}`, data: { id: card.id } });
  const { ask_rating: asksRating, ask_flags: asksFlags } = assignment.form;
  return (
    <article
      aria-labelledby={`answer-${card.id}`}
      data-answer={card.letter}
      className={cx(
        "bg-panel shadow-lift flex min-w-0 flex-col rounded-2xl border transition-[border-color,opacity]",
        isSelected ? "border-accent ring-accent ring-1" : "border-line",
        isDragging && "opacity-50",
      )}
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pt-3.5">
        <div
          ref={setNodeRef}
          {...listeners}
          className="group mr-auto flex cursor-grab items-center gap-3 active:cursor-grabbing pointer-coarse:cursor-auto"
        >
          <h2
            id={`answer-${card.id}`}
            className={cx(
              "grid size-8 place-items-center rounded-lg text-base font-bold transition-colors",
              place === null ? "bg-accent-soft text-accent" : "bg-accent text-accent-ink",
            )}
          >
            <span className="sr-only">{t.desk.answer("")}</span>
            {card.letter}
          </h2>
          <span className="text-soft text-sm">{t.desk.words(wordCount(card.text))}</span>
          <Icon name="grip" className="text-edge size-4 opacity-0 group-hover:opacity-100 pointer-coarse:hidden" />
        </div>
        <PlaceChips bench={bench} card={card} />
      </header>
      <Tie bench={bench} card={card} />
      <div className="flex-1 px-4 pt-3 pb-4" onClick={() => act({ type: "select", id: card.id })}>
        <Markdown text={card.text} raw={raw} marked={marked} className="max-w-[75ch]" />
      </div>
      {(asksRating || asksFlags) && (
        <footer className="flex flex-wrap items-start gap-3 px-4 pb-4">
          {asksRating && <Rating bench={bench} card={card} />}
          {asksFlags && <Flags bench={bench} card={card} isOpen={flagsOpen && isSelected} />}
        </footer>
      )}
    </article>
  );
}

/** Says that the card ties, and offers both ways out. */
function Tie({ bench, card }: { bench: Bench; card: Card }) {
  const others = tiedWith(bench.judgment.ranking, card.id).map(bench.letterOf);
  if (others.length === 0) return null;
  const out = (by: -1 | 1) => bench.act({ type: "step", id: card.id, by });
  const look = "rounded-md px-2 py-1 font-semibold text-accent hover:bg-accent-soft pointer-coarse:min-h-11";
  return (
    <div className="text-soft -mb-1 flex flex-wrap items-center gap-x-1 px-4 pt-2 text-sm">
      <span className="mr-1">{t.desk.tieWith(others)}</span>
      <button type="button" className={look} onMouseDown={keepFocus} onClick={() => out(-1)}>
        {t.desk.before(others)}
      </button>
      <button type="button" className={look} onMouseDown={keepFocus} onClick={() => out(1)}>
        {t.desk.after(others)}
      </button>
    </div>
  );
}
