import { useDraggable } from "@dnd-kit/core";

import type { Card } from "@/api/types";
import { IconButton } from "@/components/Button";
import { cx } from "@/components/cx";
import { wordCount } from "@/components/format";
import { Icon } from "@/components/Icon";
import { t } from "@/strings";

import { type Bench, isPair, keepFocus } from "./bench";
import { PlaceChips } from "./PlaceChips";
import { Preference } from "./Preference";
import { placeOf, tiedWith } from "./ranking";
import { pointOf } from "./scale";

const NARROW = "w-8! text-accent pointer-coarse:w-11!";

/** An answer's letter, by which it can be dragged, and the ways to place it. */
export function CardHead({ bench, card }: { bench: Bench; card: Card }) {
  const { judgment } = bench;
  const others = tiedWith(judgment.ranking, card.id).map(bench.letterOf);
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: `card:${card.id}`, data: { id: card.id } });
  const isChosen = isPair(judgment) ? pointOf(judgment)?.id === card.id : placeOf(judgment.ranking, card.id) !== null;
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pt-3.5">
      <div
        ref={setNodeRef}
        {...listeners}
        className={cx(
          "group me-auto flex cursor-grab items-center gap-3 active:cursor-grabbing pointer-coarse:cursor-auto",
          isDragging && "opacity-50",
        )}
      >
        <h2
          id={`answer-${card.id}`}
          className={cx(
            "grid size-8 place-items-center rounded-lg text-base font-bold transition-colors",
            isChosen ? "bg-accent text-accent-ink" : "bg-accent-soft text-accent",
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
      <div data-part="places" className="flex flex-wrap items-center gap-1">
        {isPair(judgment) ? (
          <Preference bench={bench} card={card} />
        ) : (
          <>
            <Untie bench={bench} card={card} others={others} />
            <PlaceChips bench={bench} card={card} />
          </>
        )}
      </div>
    </header>
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
