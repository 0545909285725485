import type { Assignment } from "@/api/types";
import { t } from "@/strings";

import { isPair } from "./bench";
import { type Judgment, saidIn } from "./judgment";
import { unplaced } from "./ranking";
import { hasPreference } from "./rankingAfter";

export interface Missing {
  text: string;
  /** Where to say it: a CSS selector. */
  at: string;
}

/** What a judgment still needs, in words, and where; null when it can be submitted. */
export function missing({ form, completions }: Assignment, judgment: Judgment): Missing | null {
  const open = unplaced(judgment.ranking, judgment.ids);
  const first = open[0];
  if (first !== undefined) {
    const letters = completions.filter((card) => open.includes(card.id)).map((card) => card.letter);
    return isPair(judgment)
      ? { text: t.desk.form.preferenceMissing, at: "[data-part=scale] [role=radio][tabindex='0']" }
      : { text: t.desk.missing(letters), at: `[data-completion="${first}"] [data-part=places] button` };
  }
  if (form.ask_strength === "required" && judgment.strength === null && hasPreference(judgment.ranking))
    return { text: t.desk.form.strengthMissing, at: "[data-part=scale] [role=radio][tabindex='0']" };
  if (form.rationale === "required" && saidIn(judgment).rationale === null)
    return { text: t.desk.rationaleMissing, at: "[data-part=rationale] textarea" };
  return null;
}
