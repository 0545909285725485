import type { KeyboardEvent } from "react";

import { cx } from "@/components/cx";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";
import { isSamePoint, type Point, pointOf, pointsOf, STRENGTHS } from "./scale";

const ARROWS: Record<string, -1 | 1> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Which of two answers is better, and by how much: one group of radio buttons from one letter to the other. */
export function Scale({ bench }: { bench: Bench }) {
  const { judgment, assignment, act } = bench;
  const { ask_strength: asked, ties_allowed: ties } = assignment.form;
  const own = pointOf(judgment);
  const points = pointsOf(judgment.ids, { strength: asked !== "off", ties });
  const entry = points.findIndex((point) => isSamePoint(point, own));
  return (
    <div
      role="radiogroup"
      aria-label={t.desk.form.scale}
      aria-required
      data-part="scale"
      onKeyDown={walk}
      className="grid w-full grid-cols-12 gap-1.5 @3xl:w-auto @3xl:grid-flow-col @3xl:grid-cols-none @3xl:gap-x-1 @3xl:gap-y-0.5"
    >
      {points.map((point, place) => (
        <button
          key={`${point.id ?? "same"}:${point.strength ?? ""}`}
          type="button"
          role="radio"
          aria-checked={place === entry}
          aria-label={nameOf(point, bench)}
          title={nameOf(point, bench)}
          tabIndex={place === Math.max(0, entry) ? 0 : -1}
          onMouseDown={keepFocus}
          onClick={() => act({ type: "scale", ...point })}
          className={lookOf(point, own, judgment.ids[0])}
        >
          <Face point={point} bench={bench} />
        </button>
      ))}
      {asked !== "off" && (
        <>
          <Ends from={2} words={[t.desk.form.strength(4), t.desk.form.strength(1)]} />
          <Ends from={ties ? 7 : 6} words={[t.desk.form.strength(1), t.desk.form.strength(4)]} />
        </>
      )}
    </div>
  );
}

/** What the outermost numbers of one side mean; on a phone every number is a word. */
function Ends({ from, words }: { from: number; words: [string, string] }) {
  return (
    <span
      aria-hidden="true"
      className="text-soft hidden justify-between px-0.5 text-[11px] leading-3.5 @3xl:row-start-2 @3xl:flex"
      style={{ gridColumn: `${from} / span ${STRENGTHS.length}` }}
    >
      {words.map((word) => (
        <span key={word}>{word}</span>
      ))}
    </span>
  );
}

function nameOf({ id, strength }: Point, { letterOf }: Bench): string {
  return id === null ? t.desk.form.same : t.desk.form.point(letterOf(id), strength);
}

/** Arrows go to the next button in sight and choose it, as radio buttons do. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const towards = ARROWS[event.key];
  if (towards === undefined || event.shiftKey) return;
  const isMirrored = document.documentElement.dir === "rtl" && /Left|Right/.test(event.key);
  const by = isMirrored ? -towards : towards;
  event.preventDefault();
  const radios = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=radio]")].filter(
    (radio) => radio.offsetParent !== null,
  );
  const place = radios.findIndex((radio) => radio === document.activeElement);
  const next = radios[(place + by + radios.length) % radios.length];
  next?.focus();
  next?.click();
}

/** On a phone the answers stand in one row and the strengths of the better one below; else all in one line. */
function lookOf(point: Point, own: Point | null, first: number | undefined): string {
  const isOwn = isSamePoint(point, own);
  const isOwnSide = own !== null && own.id !== null && own.id === point.id;
  const { strength } = point;
  const isBelow = isOwnSide && strength !== null && own.strength !== null && strength < own.strength;
  const isChosen = isOwn || (strength === null && isOwnSide && point.id !== null);
  return cx(
    "grid h-11 place-items-center rounded-lg border text-sm font-semibold transition-colors @3xl:row-start-1 @3xl:h-9 pointer-coarse:h-11!",
    strength === null
      ? "col-span-4 row-start-1 @3xl:col-span-1 @3xl:px-3"
      : "col-span-3 row-start-2 @3xl:col-span-1 @3xl:w-10",
    strength !== null && !isOwnSide && "@max-3xl:hidden",
    isChosen
      ? "border-accent bg-accent text-accent-ink"
      : isBelow
        ? "border-accent/40 bg-accent-soft text-accent"
        : "border-edge/60 text-soft hover:border-accent hover:text-accent",
    strength === null && point.id !== null && (point.id === first ? "@3xl:me-1" : "@3xl:ms-1"),
  );
}

function Face({ point, bench }: { point: Point; bench: Bench }) {
  const { id, strength } = point;
  if (id === null) return <span>{t.desk.form.same}</span>;
  if (strength === null) return <span>{t.desk.form.better(bench.letterOf(id))}</span>;
  return (
    <>
      <span className="@max-3xl:hidden">{strength}</span>
      <span className="text-xs @3xl:hidden">{t.desk.form.strength(strength)}</span>
    </>
  );
}
