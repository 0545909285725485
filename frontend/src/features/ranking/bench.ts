import type { Assignment, Card } from "@/api/types";

import type { Judgment, Move } from "./judgment";
import type { CardId } from "./ranking";

/** What every part of the desk works with. */
export interface Bench {
  assignment: Assignment;
  judgment: Judgment;
  act: (move: Move) => void;
  letterOf: (id: CardId) => string;
}

export function cardById(assignment: Assignment, id: CardId): Card | undefined {
  return assignment.completions.find((card) => card.id === id);
}

/** Keeps a click from taking the focus, so that Enter still submits after it. */
export function keepFocus(event: { preventDefault: () => void }): void {
  event.preventDefault();
}
