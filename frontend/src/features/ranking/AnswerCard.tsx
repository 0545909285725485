import { useDraggable } from "@dnd-kit/core";

import type { Card } from "@/api/types";
import { IconButton } from "@/components/Button";
import { cx } from "@/components/cx";
import { wordCount } from "@/components/format";
import { Icon } from "@/components/Icon";
import { Markdown } from "@/components/Markdown";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";
import { Flags } from "./Flags";
import { PlaceChips } from "./PlaceChips";
import { placeOf, tiedWith } from "./ranking";
import { Rating } from "./Rating";

const NARROW = "w-8! text-accent pointer-coarse:w-10!";

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
  const others = tiedWith(judgment.ranking, card.id).map(bench.letterOf);
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
          <span className="text-soft text-sm">
            {t.desk.words(wordCount(card.text))}
            {others.length > 0 && ` · ${t.desk.tieWith(others)}`}
          </span>
          <Icon name="grip" className="text-edge size-4 opacity-0 group-hover:opacity-100 pointer-coarse:hidden" />
        </div>
        <div className="flex flex-wrap items-center gap-1">
          <Untie bench={bench} card={card} others={others} />
          <PlaceChips bench={bench} card={card} />
        </div>
      </header>
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

/** Both ways out of a tie, where the card ties. */
function Untie({ bench, card, others }: { bench: Bench; card: Card; others: readonly string[] }) {
  if (others.length === 0) return null;
  const out = (by: -1 | 1) => bench.act({ type: "step", id: card.id, by });
  return (
    <div className="flex">
      <IconButton
        icon="up"
        size="small"
        label={t.desk.before(others)}
        className={NARROW}
        onMouseDown={keepFocus}
        onClick={() => out(-1)}
      />
      <IconButton
        icon="down"
        size="small"
        label={t.desk.after(others)}
        className={NARROW}
        onMouseDown={keepFocus}
        onClick={() => out(1)}
      />
    </div>
  );
}
