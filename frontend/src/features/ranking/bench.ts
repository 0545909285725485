import type { Assignment, Card } from "@/api/types";

import type { Judgment, Move } from "./judgment";
import type { CardId } from "./ranking";
import type { AtDesk } from "./usePresence";

/** What every part of the desk works with. */
export interface Bench {
  assignment: Assignment;
  judgment: Judgment;
  act: (move: Move) => void;
  letterOf: (id: CardId) => string;
  watch: AtDesk["watch"];
  /** The answer whose flags are open, and thus have the keys. */
  flagsOf: CardId | null;
  openFlags: (id: CardId | null) => void;
}

export function cardById(assignment: Assignment, id: CardId): Card | undefined {
  return assignment.completions.find((card) => card.id === id);
}

/** Two answers are compared on a scale; more of them are put in places. */
export function isPair({ ids }: Pick<Judgment, "ids">): boolean {
  return ids.length === 2;
}

/** A practice round ends only when all of it is done, and a revision is left, not skipped. */
export function canSkip({ is_revision: isRevision, purpose }: Pick<Assignment, "is_revision" | "purpose">): boolean {
  return !isRevision && purpose !== "practice";
}

/** Keeps a click from taking the focus, so that Enter still submits after it. */
export function keepFocus(event: { preventDefault: () => void }): void {
  event.preventDefault();
}
