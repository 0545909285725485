import type { Bench } from "./bench";
import type { KeyAct } from "./keys";
import { placeOf } from "./ranking";

const HIGHEST_RATING = 7;

/** Makes the move a key means; false when the key is for something else than moving. */
export function moveByKey({ judgment, assignment, act }: Bench, key: KeyAct): boolean {
  const { selected: id, ids, ranking } = judgment;
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
    case "digit":
      if (id === null) return true;
      if (!key.rate && placeOf(ranking, id) !== key.digit) act({ type: "put", id, place: key.digit });
      if (key.rate && assignment.form.ask_rating && key.digit <= HIGHEST_RATING)
        act({ type: "rate", id, value: key.digit });
      return true;
    default:
      return false;
  }
}
