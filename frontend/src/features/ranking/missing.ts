import type { Assignment } from "@/api/types";
import { t } from "@/strings";

import { type Judgment, saidIn } from "./judgment";
import { unplaced } from "./ranking";

/** What a judgment still needs, in words; null when it can be submitted. */
export function missing(assignment: Assignment, judgment: Judgment): string | null {
  const open = unplaced(judgment.ranking, judgment.ids);
  const letters = assignment.completions.filter((card) => open.includes(card.id)).map((card) => card.letter);
  if (letters.length > 0) return t.desk.missing(letters);
  const isSilent = assignment.form.rationale === "required" && saidIn(judgment).rationale === null;
  return isSilent ? t.desk.rationaleMissing : null;
}
