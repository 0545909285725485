/** The scale between two answers: how much better one of them is, or about the same. */
import type { Judgment } from "./judgment";
import type { CardId } from "./ranking";
import { hasPreference } from "./rankingAfter";

/** Negligibly, slightly, better, significantly. */
export const STRENGTHS = [1, 2, 3, 4] as const;

export interface Point {
  /** The better answer; null: about the same. */
  id: CardId | null;
  /** Null: better, without saying how much. */
  strength: number | null;
}

interface Asked {
  strength: boolean;
  ties: boolean;
}

/** From "the first is better" to "the second is better", the strongest outside, a tie in the middle. */
export function pointsOf(ids: readonly CardId[], asked: Asked): Point[] {
  const [first, second] = ids;
  if (first === undefined || second === undefined) return [];
  const strengths = asked.strength ? STRENGTHS : [];
  return [
    { id: first, strength: null },
    ...strengths.toReversed().map((strength) => ({ id: first, strength })),
    ...(asked.ties ? [{ id: null, strength: null }] : []),
    ...strengths.map((strength) => ({ id: second, strength })),
    { id: second, strength: null },
  ];
}

/** Where a judgment stands on the scale; null while nothing was said. */
export function pointOf({ ranking, strength }: Pick<Judgment, "ranking" | "strength">): Point | null {
  if (hasPreference(ranking)) return { id: ranking.places[0]?.[0] ?? null, strength };
  return ranking.places[0]?.length === 2 ? { id: null, strength: null } : null;
}

export function isSamePoint(one: Point | null, other: Point | null): boolean {
  return one?.id === other?.id && one?.strength === other?.strength;
}
