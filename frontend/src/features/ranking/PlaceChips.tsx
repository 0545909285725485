import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { t } from "@/strings/en";

import { type Bench, keepFocus } from "./bench";
import { placeOf } from "./ranking";

/** The places as buttons: a tap puts the card there, a second tap takes it off. */
export function PlaceChips({ bench, card }: { bench: Bench; card: Card }) {
  const { judgment, act } = bench;
  const own = placeOf(judgment.ranking, card.id);
  return (
    <div role="group" aria-label={t.desk.answer(card.letter)} className="flex flex-wrap gap-1">
      {judgment.ids.map((_, index) => {
        const place = index + 1;
        const isOwn = own === place;
        return (
          <button
            key={place}
            type="button"
            aria-pressed={isOwn}
            aria-label={t.desk.placeFor(card.letter, place)}
            onMouseDown={keepFocus}
            onClick={() => act({ type: "put", id: card.id, place })}
            className={cx(
              "grid h-8 min-w-8 place-items-center rounded-lg border text-sm font-semibold transition-colors",
              "pointer-coarse:h-11 pointer-coarse:min-w-9",
              isOwn
                ? "border-accent bg-accent text-accent-ink"
                : "border-edge/60 text-soft hover:border-accent hover:text-accent",
            )}
          >
            {place}
          </button>
        );
      })}
    </div>
  );
}
