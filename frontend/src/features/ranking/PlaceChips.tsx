import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";
import { placeOf } from "./ranking";

/** The places as buttons: a tap puts the card there, a second tap takes it off. */
export function PlaceChips({ bench, card }: { bench: Bench; card: Card }) {
  const { judgment, act } = bench;
  const own = placeOf(judgment.ranking, card.id);
  return (
    <div
      role="group"
      aria-label={t.desk.answer(card.letter)}
      className="divide-line border-edge/60 flex divide-x overflow-hidden rounded-lg border"
    >
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
              "grid h-8 w-9 place-items-center text-sm font-semibold transition-colors -outline-offset-2!",
              judgment.ids.length > 6
                ? "pointer-coarse:h-11 pointer-coarse:w-8.5"
                : "pointer-coarse:h-11 pointer-coarse:w-11",
              isOwn ? "bg-accent text-accent-ink" : "text-soft hover:bg-accent-soft hover:text-accent",
            )}
          >
            {place}
          </button>
        );
      })}
    </div>
  );
}
