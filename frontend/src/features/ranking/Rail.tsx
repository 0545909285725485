import { useDndContext, useDraggable, useDroppable } from "@dnd-kit/core";
import { Fragment, type KeyboardEvent } from "react";

import { cx } from "@/components/cx";
import { t } from "@/strings";

import type { Bench } from "./bench";
import { type CardId, unplaced } from "./ranking";

/** The order at a glance: a listbox of letters in their places, always in sight, and where cards are dropped. */
export function Rail({ bench }: { bench: Bench }) {
  const { ranking, ids } = bench.judgment;
  const rest = unplaced(ranking, ids);
  const size = ranking.places.length;
  return (
    <div
      role="listbox"
      aria-label={t.desk.yourOrder}
      aria-description={t.desk.orderHint}
      aria-orientation="horizontal"
      onKeyDown={(event) => walkOrMove(event, bench)}
      className="flex min-w-0 flex-wrap items-stretch gap-y-1.5 max-sm:w-full"
    >
      {ranking.places.map((place, index) => (
        <Fragment key={index}>
          <Gap gap={index} />
          <Place place={index + 1} bench={bench} ids={place} />
        </Fragment>
      ))}
      <Gap gap={size} />
      {rest.length > 0 && (
        <div
          role="group"
          aria-label={t.desk.notPlaced}
          className="border-line ml-1 flex items-center gap-1 border-l pl-3 max-sm:hidden"
        >
          {rest.map((id) => (
            <Token key={id} id={id} bench={bench} isPlaced={false} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Arrows walk over the letters; Shift with an arrow moves one, Delete takes it off. */
function walkOrMove(event: KeyboardEvent<HTMLElement>, bench: Bench): void {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key] as -1 | 1 | undefined;
  const focused = event.target instanceof HTMLElement ? Number(event.target.dataset.card) : NaN;
  if (!bench.judgment.ids.includes(focused)) return;
  if (event.key === "Delete") {
    event.preventDefault();
    bench.act({ type: "remove", id: focused });
  } else if (by !== undefined && !event.shiftKey) {
    event.preventDefault();
    const options = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=option]")];
    const next = options[options.findIndex((one) => Number(one.dataset.card) === focused) + by];
    next?.focus();
  }
}

function Place({ place, bench, ids }: { place: number; bench: Bench; ids: readonly CardId[] }) {
  const { setNodeRef, isOver } = useDroppable({ id: `place:${place}`, data: { place } });
  return (
    <div
      ref={setNodeRef}
      role={ids.length > 0 ? "group" : "presentation"}
      aria-label={ids.length > 0 ? t.desk.place(place) : undefined}
      className={cx(
        "flex min-h-11 min-w-13 items-center gap-1 max-sm:min-w-fit max-sm:flex-1 max-sm:basis-14 rounded-xl border py-1 pr-1 pl-2 transition-colors pointer-coarse:min-h-12",
        isOver
          ? "border-accent bg-accent-soft"
          : ids.length > 0
            ? "border-line bg-sunken"
            : "border-edge/50 border-dashed",
      )}
    >
      <span aria-hidden="true" className="text-soft mr-0.5 text-xs font-semibold tabular-nums">
        {place}
      </span>
      {ids.map((id, index) => (
        <Fragment key={id}>
          {index > 0 && (
            <span aria-hidden="true" className="text-soft text-xs">
              =
            </span>
          )}
          <Token id={id} bench={bench} isPlaced />
        </Fragment>
      ))}
    </div>
  );
}

/** Between two places; it opens while something is dragged. */
function Gap({ gap }: { gap: number }) {
  const { active } = useDndContext();
  const { setNodeRef, isOver } = useDroppable({ id: `gap:${gap}`, data: { gap } });
  return (
    <div
      ref={setNodeRef}
      role="presentation"
      className={cx("grid place-items-center transition-[width]", active === null ? "w-1.5" : "w-5")}
    >
      <div className={cx("h-full w-1 rounded-full", isOver && "bg-accent")} />
    </div>
  );
}

function Token({ id, bench, isPlaced }: { id: CardId; bench: Bench; isPlaced: boolean }) {
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: `token:${id}`, data: { id } });
  const { selected, ids } = bench.judgment;
  const isSelected = selected === id;
  const isEntry = isSelected || (selected === null && ids[0] === id);
  return (
    <div
      ref={setNodeRef}
      {...listeners}
      role="option"
      aria-selected={isSelected}
      aria-label={t.desk.answer(bench.letterOf(id))}
      data-card={id}
      tabIndex={isEntry ? 0 : -1}
      onFocus={() => bench.act({ type: "select", id })}
      onClick={() => bench.act({ type: "select", id })}
      className={cx(
        "grid size-8 shrink-0 cursor-grab touch-manipulation place-items-center rounded-lg text-base font-bold select-none active:cursor-grabbing pointer-coarse:size-9",
        isPlaced ? "bg-accent text-accent-ink" : "bg-accent-soft text-accent",
        isSelected && "ring-accent ring-2 ring-offset-2 ring-offset-(--panel)",
        isDragging && "opacity-40",
      )}
    >
      {bench.letterOf(id)}
    </div>
  );
}
