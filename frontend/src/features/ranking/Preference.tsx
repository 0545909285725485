import { cx } from "@/components/cx";
import type { Card } from "@/api/types";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";
import { pointOf } from "./scale";

/** The shortest way for a finger or a mouse: this one of the two is better. */
export function Preference({ bench, card }: { bench: Bench; card: Card }) {
  const isBetter = pointOf(bench.judgment)?.id === card.id;
  return (
    <button
      type="button"
      aria-pressed={isBetter}
      onMouseDown={keepFocus}
      onClick={() => bench.act({ type: "letter", id: card.id })}
      className={cx(
        "h-8 rounded-lg border px-3 text-sm font-semibold transition-colors pointer-coarse:h-11 pointer-coarse:px-4",
        isBetter ? "border-accent bg-accent text-accent-ink" : "border-edge/60 text-soft hover:border-accent",
      )}
    >
      {t.desk.form.better(card.letter)}
    </button>
  );
}
