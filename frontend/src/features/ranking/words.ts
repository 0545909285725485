/** What a move means, said aloud. */
import { fromSlug } from "@/components/format";
import { t } from "@/strings";

import { isPair } from "./bench";
import type { Judgment, Move } from "./judgment";
import { isComplete, placeOf, tiedWith } from "./ranking";
import { pointOf } from "./scale";

type LetterOf = (id: number) => string;

export function wordsFor(before: Judgment, after: Judgment, move: Move, letterOf: LetterOf): string {
  const say = t.desk.announce;
  switch (move.type) {
    case "back":
      return say.back;
    case "rate":
      return say.rated(letterOf(move.id), after.ratings[move.id] ?? null);
    case "aspect":
      return t.desk.form.aspectSaid(
        letterOf(move.id),
        fromSlug(move.aspect),
        after.aspects[move.id]?.[move.aspect] ?? null,
      );
    case "flag":
      return t.desk.form.flagSaid(
        letterOf(move.id),
        fromSlug(move.flag),
        after.flags[move.id]?.includes(move.flag) === true,
      );
    case "promptFlag":
    case "noneAcceptable":
    case "rationale":
    case "select":
      return "";
    default:
      return isPair(after) ? pairWords(after, letterOf) : placeWords(before, after, move, letterOf);
  }
}

function pairWords(after: Judgment, letterOf: LetterOf): string {
  const point = pointOf(after);
  if (point === null) return "";
  const what = point.id === null ? t.desk.form.same : t.desk.form.point(letterOf(point.id), point.strength);
  return `${what}. ${t.desk.form.enterSubmits}`;
}

function placeWords(before: Judgment, after: Judgment, move: Move, letterOf: LetterOf): string {
  const say = t.desk.announce;
  if (!("id" in move) || move.id === null) return "";
  const letter = letterOf(move.id);
  const place = placeOf(after.ranking, move.id);
  if (place === null) return say.removed(letter);
  if (before.ranking === after.ranking) return say.selected(letter, place);
  const tied = tiedWith(after.ranking, move.id).map(letterOf);
  const where = tied.length > 0 ? say.tied(letter, place, tied) : say.placed(letter, place, after.ids.length);
  return isComplete(after.ranking, after.ids) ? `${where} ${say.complete}` : where;
}
