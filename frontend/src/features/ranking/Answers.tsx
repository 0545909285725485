import { useDroppable } from "@dnd-kit/core";
import { type CSSProperties, useMemo } from "react";

import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { t } from "@/strings";

import { AnswerCard } from "./AnswerCard";
import { type Bench, cardById } from "./bench";
import { differences } from "./differences";
import type { Preferences } from "./preferences";
import { unplaced } from "./ranking";

interface AnswersProps {
  bench: Bench;
  preferences: Preferences;
  showsDifferences: boolean;
}

/** How many columns a number of cards looks right in, on middling, wide and very wide desks. */
function columns(count: number): CSSProperties {
  const middling = count === 1 ? 1 : 2;
  const wide = count % 3 === 0 ? 3 : middling;
  const widest = count <= 4 ? count : Math.ceil(count / 2);
  return { "--columns-m": middling, "--columns-l": wide, "--columns-xl": widest } as CSSProperties;
}

/** The answers in full, either where they were shown first, or sorted into their places. */
export function Answers({ bench, preferences, showsDifferences }: AnswersProps) {
  const { completions } = bench.assignment;
  const own = useMemo(
    () =>
      showsDifferences
        ? differences(
            completions.map((card) => card.text),
            preferences.raw,
          )
        : null,
    [completions, showsDifferences, preferences.raw],
  );
  const card = (one: Card) => (
    <AnswerCard
      key={one.id}
      bench={bench}
      card={one}
      raw={preferences.raw}
      marked={own?.[completions.indexOf(one)]}
      flagsKey={preferences.bindings.flags}
    />
  );
  const isStack = preferences.layout === "stack";
  if (!preferences.byPlace) {
    return (
      <div
        className={cx("cards", isStack && "mx-auto w-full max-w-4xl")}
        style={isStack ? undefined : columns(completions.length)}
      >
        {completions.map(card)}
      </div>
    );
  }
  const cards = (ids: readonly number[]) => ids.flatMap((id) => cardById(bench.assignment, id) ?? []);
  const rest = cards(unplaced(bench.judgment.ranking, bench.judgment.ids));
  return (
    <div className="grid gap-3">
      {bench.judgment.ranking.places.map((ids, index) => (
        <Tier key={index} place={index + 1} isStack={isStack} cards={cards(ids)} render={card} />
      ))}
      {rest.length > 0 && (
        <section className="grid gap-2" aria-label={t.desk.notPlaced}>
          <p className="text-soft px-1 pt-2 text-sm font-semibold">{t.desk.notPlaced}</p>
          <div className="cards" style={isStack ? undefined : columns(rest.length)}>
            {rest.map(card)}
          </div>
        </section>
      )}
    </div>
  );
}

interface TierProps {
  place: number;
  cards: Card[];
  isStack: boolean;
  render: (card: Card) => React.ReactNode;
}

/** One place with the cards on it; a card dropped here ties with them. */
function Tier({ place, cards, isStack, render }: TierProps) {
  const { setNodeRef, isOver } = useDroppable({ id: `tier:${place}`, data: { place } });
  return (
    <section
      ref={setNodeRef}
      aria-label={t.desk.place(place)}
      data-tier={place}
      className={cx(
        "grid grid-cols-[2.25rem_minmax(0,1fr)] rounded-2xl border border-dashed sm:grid-cols-[4rem_minmax(0,1fr)]",
        isOver ? "border-accent bg-accent-soft" : "border-edge/40 bg-sunken",
      )}
    >
      <div className="px-2 py-3 text-center">
        <p className="text-xl font-bold">{place}</p>
        {place === 1 && <p className="text-soft text-xs">{t.desk.best}</p>}
      </div>
      <div
        className={cx("cards min-h-12 p-2 ps-0", cards.length === 0 && "min-h-10!")}
        style={isStack ? undefined : columns(cards.length)}
      >
        {cards.map(render)}
      </div>
    </section>
  );
}
