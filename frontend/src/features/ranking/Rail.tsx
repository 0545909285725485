import { useDndContext, useDraggable, useDroppable } from "@dnd-kit/core";
import { Fragment, type KeyboardEvent, useEffect, useRef } from "react";

import { cx } from "@/components/cx";
import { t } from "@/strings";

import type { Bench } from "./bench";
import { type CardId, unplaced } from "./ranking";

/** The order at a glance: a listbox of letters in their places, always in sight, and where cards are dropped. */
export function Rail({ bench }: { bench: Bench }) {
  const { ranking, ids } = bench.judgment;
  const rest = unplaced(ranking, ids);
  const size = ranking.places.length;
  const box = useFocusKept(bench);
  return (
    <div
      ref={box}
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
          className="border-line ms-1 flex items-center gap-1 border-s ps-3 max-sm:hidden"
        >
          {rest.map((id) => (
            <Token key={id} id={id} bench={bench} isPlaced={false} />
          ))}
        </div>
      )}
    </div>
  );
}

/** A letter that moves to another place is drawn anew there; whoever had the focus on it keeps it. */
function useFocusKept({ judgment: { ranking } }: Bench) {
  const box = useRef<HTMLDivElement>(null);
  const focused = useRef<string | undefined>(undefined);
  useEffect(() => {
    const rail = box.current;
    if (rail === null) return;
    const enter = ({ target }: FocusEvent) => {
      focused.current = target instanceof HTMLElement ? target.dataset.card : undefined;
    };
    const leave = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget !== null) focused.current = undefined;
    };
    const press = ({ target }: Event) => {
      if (target instanceof Node && !rail.contains(target)) focused.current = undefined;
    };
    rail.addEventListener("focusin", enter);
    rail.addEventListener("focusout", leave);
    document.addEventListener("pointerdown", press);
    return () => {
      rail.removeEventListener("focusin", enter);
      rail.removeEventListener("focusout", leave);
      document.removeEventListener("pointerdown", press);
    };
  }, []);
  useEffect(() => {
    if (focused.current === undefined || document.activeElement !== document.body) return;
    box.current?.querySelector<HTMLElement>(`[data-card="${focused.current}"]`)?.focus();
  }, [ranking]);
  return box;
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
      data-place={place}
      role={ids.length > 0 ? "group" : "presentation"}
      aria-label={ids.length > 0 ? t.desk.place(place) : undefined}
      className={cx(
        "flex min-h-11 min-w-13 items-center gap-1 max-sm:min-w-fit max-sm:flex-1 max-sm:basis-14 rounded-xl border py-1 ps-2 pe-1 transition-colors pointer-coarse:min-h-12",
        isOver
          ? "border-accent bg-accent-soft"
          : ids.length > 0
            ? "border-line bg-sunken"
            : "border-edge/50 border-dashed",
      )}
    >
      <span aria-hidden="true" className="text-soft me-0.5 text-xs font-semibold tabular-nums">
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

/** Between two places. It opens at once when a drag begins: where a card may be dropped is measured at that moment. */
function Gap({ gap }: { gap: number }) {
  const { active } = useDndContext();
  const { setNodeRef, isOver } = useDroppable({ id: `gap:${gap}`, data: { gap } });
  return (
    <div
      ref={setNodeRef}
      role="presentation"
      className={cx("grid place-items-center", active === null ? "w-1.5" : "w-5")}
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
