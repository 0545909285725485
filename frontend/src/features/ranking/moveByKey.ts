import { type Bench, isPair } from "./bench";
import type { KeyAct } from "./keys";
import { placeOf } from "./ranking";
import { STRENGTHS } from "./scale";

const HIGHEST_RATING = 7;

/** Makes the move a key means; false when the key is for something else than moving. */
export function moveByKey(bench: Bench, key: KeyAct): boolean {
  const { judgment, act } = bench;
  const { selected: id, ids } = judgment;
  switch (key.type) {
    case "back":
      act({ type: "back" });
      return true;
    case "letter": {
      const typed = ids[key.index];
      if (typed !== undefined) act({ type: key.tie ? "tie" : "letter", id: typed });
      return true;
    }
    case "step":
      if (id !== null) act({ type: "step", id, by: key.by });
      return true;
    case "select":
      act({ type: "select", id: neighbour(ids, id, key.by) });
      return true;
    case "digit":
      if (key.rate) rate(bench, key.digit);
      else if (isPair(judgment)) weigh(bench, key.digit);
      else if (id !== null && placeOf(judgment.ranking, id) !== key.digit) act({ type: "put", id, place: key.digit });
      return true;
    default:
      return false;
  }
}

function neighbour(ids: readonly number[], id: number | null, by: -1 | 1): number | null {
  if (id === null) return (by > 0 ? ids[0] : ids.at(-1)) ?? null;
  return ids[ids.indexOf(id) + by] ?? id;
}

function weigh({ assignment, act }: Bench, digit: number): void {
  if (assignment.form.ask_strength !== "off" && digit <= STRENGTHS.length) act({ type: "strength", value: digit });
}

/** The overall rating comes first, then each aspect that has none yet; once all are given, the first is changed. */
function rate({ judgment, assignment, act }: Bench, value: number): void {
  const { selected: id, ratings, aspects } = judgment;
  const { ask_rating: asksRating, aspects: asked } = assignment.form;
  if (id === null || value > HIGHEST_RATING) return;
  const open = asked.find((aspect) => aspects[id]?.[aspect] === undefined);
  const isOverallNext = asksRating && (ratings[id] === undefined || open === undefined);
  const aspect = isOverallNext ? undefined : (open ?? asked[0]);
  if (aspect !== undefined) act({ type: "aspect", id, aspect, value });
  else if (asksRating) act({ type: "rate", id, value });
}
