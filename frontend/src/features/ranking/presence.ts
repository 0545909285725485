/** How long somebody was at work on a task, and how long each answer was in sight. Times are milliseconds. */
import type { CardId } from "./ranking";

const IDLE_AFTER_MS = 30_000;
const HALF = 0.5;

export interface Presence {
  /** Up to when time was counted. */
  readonly until: number;
  readonly lastSign: number;
  readonly isPageShown: boolean;
  readonly inSight: ReadonlySet<CardId>;
  readonly activeMs: number;
  readonly visibleMs: Readonly<Record<CardId, number>>;
  /** Active time before the first act; null while nothing was done. */
  readonly firstActMs: number | null;
}

/** What of a presence outlives the page. */
export type Counted = Pick<Presence, "activeMs" | "visibleMs" | "firstActMs">;

export const NOTHING_COUNTED: Counted = { activeMs: 0, visibleMs: {}, firstActMs: null };

export type Sign =
  | { type: "tick" | "life" | "act" }
  | { type: "page"; isShown: boolean }
  | { type: "card"; id: CardId; isSeen: boolean };

export function startPresence(before: Counted, now: number, isPageShown: boolean): Presence {
  return { ...before, until: now, lastSign: now, isPageShown, inSight: new Set() };
}

/** The presence after a sign. Time passes first, under what held until now. */
export function noted(before: Presence, sign: Sign, now: number): Presence {
  const presence = passed(before, now);
  switch (sign.type) {
    case "tick":
      return presence;
    case "life":
      return { ...presence, lastSign: now };
    case "act":
      return { ...presence, lastSign: now, firstActMs: presence.firstActMs ?? presence.activeMs };
    case "page":
      return { ...presence, isPageShown: sign.isShown, lastSign: sign.isShown ? now : presence.lastSign };
    case "card":
      return { ...presence, inSight: changed(presence.inSight, sign.id, sign.isSeen) };
  }
}

/** Counts only what somebody was there for: page in front, a sign of life within the last half minute. */
function passed(presence: Presence, now: number): Presence {
  const end = Math.min(now, presence.lastSign + IDLE_AFTER_MS);
  const span = presence.isPageShown ? Math.max(0, end - presence.until) : 0;
  if (span === 0) return { ...presence, until: now };
  const visibleMs = { ...presence.visibleMs };
  for (const id of presence.inSight) visibleMs[id] = (visibleMs[id] ?? 0) + span;
  return { ...presence, until: now, activeMs: presence.activeMs + span, visibleMs };
}

function changed(inSight: ReadonlySet<CardId>, id: CardId, isSeen: boolean): ReadonlySet<CardId> {
  const after = new Set(inSight);
  if (isSeen) after.add(id);
  else after.delete(id);
  return after;
}

interface Overlap {
  intersectionRatio: number;
  intersectionRect: { height: number };
  rootBounds: { height: number } | null;
}

/** In sight: half of the card, or a card over half of the window. */
export function isSeen({ intersectionRatio, intersectionRect, rootBounds }: Overlap): boolean {
  return intersectionRatio >= HALF || (rootBounds !== null && intersectionRect.height >= HALF * rootBounds.height);
}
