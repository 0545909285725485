import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";

const VALUES = [1, 2, 3, 4, 5, 6, 7];

export function Rating({ bench, card }: { bench: Bench; card: Card }) {
  const own = bench.judgment.ratings[card.id];
  return (
    <div role="group" aria-label={t.desk.overall} className="flex items-center gap-2 text-sm">
      <span className="text-soft">{t.desk.overall}</span>
      <div className="border-edge/60 flex overflow-hidden rounded-lg border">
        {VALUES.map((value) => (
          <button
            key={value}
            type="button"
            aria-pressed={own === value}
            aria-label={t.desk.rate(card.letter, value)}
            onMouseDown={keepFocus}
            onClick={() => bench.act({ type: "rate", id: card.id, value })}
            className={cx(
              "border-line h-8 w-8 border-r last:border-r-0 pointer-coarse:h-11 pointer-coarse:w-9",
              own === value ? "bg-accent text-accent-ink font-semibold" : "text-soft hover:bg-accent-soft",
            )}
          >
            {value}
          </button>
        ))}
      </div>
    </div>
  );
}
