import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { fromSlug } from "@/components/format";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";

const VALUES = [1, 2, 3, 4, 5, 6, 7];

/** Everything an answer is rated on from 1 to 7, one line each. */
export function Scores({ bench, card }: { bench: Bench; card: Card }) {
  const { judgment, assignment, act } = bench;
  const { ask_rating: asksRating, aspects } = assignment.form;
  return (
    <div
      role="group"
      aria-label={t.desk.form.scores(card.letter)}
      className="grid grid-cols-[repeat(auto-fit,minmax(min(19.5rem,100%),1fr))] gap-x-4 gap-y-2"
    >
      {asksRating && (
        <Score
          name={t.desk.overall}
          own={judgment.ratings[card.id]}
          labelOf={(value) => t.desk.rate(card.letter, value)}
          onScore={(value) => act({ type: "rate", id: card.id, value })}
        />
      )}
      {aspects.map((aspect) => (
        <Score
          key={aspect}
          name={fromSlug(aspect)}
          own={judgment.aspects[card.id]?.[aspect]}
          labelOf={(value) => t.desk.form.rateAspect(card.letter, fromSlug(aspect), value)}
          onScore={(value) => act({ type: "aspect", id: card.id, aspect, value })}
        />
      ))}
    </div>
  );
}

interface ScoreProps {
  name: string;
  own: number | undefined;
  labelOf: (value: number) => string;
  onScore: (value: number) => void;
}

function Score({ name, own, labelOf, onScore }: ScoreProps) {
  return (
    <div role="group" aria-label={name} className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
      <span className="text-soft w-20 shrink-0 truncate max-sm:w-full" title={name}>
        {name}
      </span>
      <div className="border-edge/60 flex overflow-hidden rounded-lg border">
        {VALUES.map((value) => (
          <button
            key={value}
            type="button"
            aria-pressed={own === value}
            aria-label={labelOf(value)}
            onMouseDown={keepFocus}
            onClick={() => onScore(value)}
            className={cx(
              "border-line h-8 w-8 border-e -outline-offset-2! last:border-e-0 pointer-coarse:h-11 pointer-coarse:w-11",
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
