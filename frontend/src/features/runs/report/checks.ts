/** What the look at the data found, one line a check, and whether a person should look there. */
import type { RewardReport } from "@/api/types";
import { formatCount, formatPercent } from "@/components/format";
import { t } from "@/strings";

type Preflight = RewardReport["preflight"];

export interface DataCheck {
  name: string;
  found: string;
  /** Something a person should look at. */
  look: boolean;
}

const DOMINANT = 0.5;
const LOPSIDED = 0.65;
const ENOUGH_PAIRS = 30;

function counted(name: string, count: number, found = formatCount(count)): DataCheck {
  return { name, found: count === 0 ? t.report.nothing : found, look: count > 0 };
}

/** The checks in the order in which data is lost, then what is odd about the rest. */
export function checksOf(preflight: Preflight): DataCheck[] {
  const { dropped, truncated, contradictory, leaking } = preflight;
  const names = t.report.checked;
  return [
    counted(names.badRows, preflight.bad_rows.count),
    counted(names.noComparison, dropped.no_comparison),
    counted(names.allTied, dropped.all_tied),
    counted(names.identical, preflight.identical.pairs),
    counted(names.truncated, truncated.prompts + truncated.completions, cutText(truncated)),
    counted(names.madeEqual, truncated.made_equal.pairs),
    counted(names.samePerson, contradictory.same_person.pairs),
    counted(names.cycles, contradictory.cycles.prompts),
    counted(names.leaking, leaking.prompts),
    ...dominance(preflight),
    ...lengthBias(preflight),
  ];
}

function cutText({ prompts, completions }: Preflight["truncated"]): string {
  return t.report.cut(formatCount(prompts), formatCount(completions));
}

function dominance({ dominance: { annotator, share }, annotators }: Preflight): DataCheck[] {
  if (annotator === null || share === null) return [];
  const found = t.report.who(formatPercent(share), annotator);
  return [{ name: t.report.checked.dominance, found, look: annotators > 1 && share > DOMINANT }];
}

function lengthBias({ length_bias: { longer_preferred: share, pairs } }: Preflight): DataCheck[] {
  if (share === null) return [];
  const look = pairs >= ENOUGH_PAIRS && Math.abs(share - 0.5) > LOPSIDED - 0.5;
  return [{ name: t.report.checked.lengthBias, found: formatPercent(share), look }];
}
