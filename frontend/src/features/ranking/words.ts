/** What a move means, said aloud. */
import { t } from "@/strings";

import type { Judgment, Move } from "./judgment";
import { isComplete, placeOf, tiedWith } from "./ranking";

export function wordsFor(before: Judgment, after: Judgment, move: Move, letterOf: (id: number) => string): string {
  const say = t.desk.announce;
  if (move.type === "back") return say.back;
  if (move.type === "rate") return say.rated(letterOf(move.id), after.ratings[move.id] ?? null);
  if (!("id" in move) || move.id === null || move.type === "flag") return "";
  const letter = letterOf(move.id);
  const place = placeOf(after.ranking, move.id);
  if (move.type === "select") return "";
  if (place === null) return say.removed(letter);
  if (before.ranking === after.ranking) return say.selected(letter, place);
  const tied = tiedWith(after.ranking, move.id).map(letterOf);
  const where = tied.length > 0 ? say.tied(letter, place, tied) : say.placed(letter, place, after.ids.length);
  return isComplete(after.ranking, after.ids) ? `${where} ${say.complete}` : where;
}
