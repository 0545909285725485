/** What a move does to the order: between two answers a letter prefers, among more it places the next one. */
import {
  append,
  type CardId,
  fromTiers,
  insert,
  placeOf,
  put,
  type Ranking,
  remove,
  step,
  tie,
  toTiers,
  unplaced,
} from "./ranking";

interface Choice {
  type: "letter" | "tie";
  id: CardId;
}

export type RankingMove =
  | Choice
  | { type: "remove"; id: CardId }
  | { type: "put"; id: CardId; place: number }
  | { type: "insert"; id: CardId; gap: number }
  | { type: "step"; id: CardId; by: -1 | 1 }
  | { type: "allEqual" | "finish" };

interface Before {
  ranking: Ranking;
  ids: readonly CardId[];
  tiesAllowed: boolean;
}

const PAIR = 2;

/** Whether one of two answers is better. */
export function hasPreference(ranking: Ranking): boolean {
  return ranking.places.length === PAIR && ranking.places.every((place) => place.length === 1);
}

export function rankingAfter(before: Before, move: RankingMove): Ranking {
  if (before.ids.length === PAIR && (move.type === "letter" || move.type === "tie")) return chosen(before, move);
  const { ranking, ids, tiesAllowed } = before;
  switch (move.type) {
    case "letter":
      return append(ranking, move.id);
    case "tie":
      return tiesAllowed ? tie(ranking, move.id) : append(ranking, move.id);
    case "put":
      return placeOf(ranking, move.id) === move.place
        ? remove(ranking, move.id)
        : put(ranking, move.id, move.place, tiesAllowed);
    case "insert":
      return insert(ranking, move.id, move.gap);
    case "step":
      return step(ranking, move.id, move.by);
    case "remove":
      return remove(ranking, move.id);
    case "allEqual":
      return fromTiers([ids], ids);
    case "finish":
      return finished(ranking, ids);
  }
}

function chosen({ ranking, ids, tiesAllowed }: Before, move: Choice): Ranking {
  const tiers = move.type === "tie" && tiesAllowed ? [ids] : [[move.id], ids.filter((id) => id !== move.id)];
  return isSame(toTiers(ranking), tiers) ? ranking : fromTiers(tiers, ids);
}

function isSame(left: readonly (readonly CardId[])[], right: readonly (readonly CardId[])[]): boolean {
  const sorted = (tiers: readonly (readonly CardId[])[]) => tiers.map((tier) => tier.toSorted((a, b) => a - b));
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

/** The only card without a place goes last; with more of them nothing is guessed. */
export function finished(ranking: Ranking, ids: readonly CardId[]): Ranking {
  const [rest, ...others] = unplaced(ranking, ids);
  if (rest === undefined || others.length > 0 || ids.length < PAIR) return ranking;
  return { ...fromTiers([...toTiers(ranking), [rest]], ids), last: rest };
}
