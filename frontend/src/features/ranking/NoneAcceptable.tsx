import { Switch } from "@/components/Field";
import { t } from "@/strings";

import type { Bench } from "./bench";
import { unplaced } from "./ranking";

/** "The best of them is still bad": asked beside the order, not instead of it. */
export function NoneAcceptable({ bench }: { bench: Bench }) {
  const { judgment, assignment, act } = bench;
  if (!assignment.form.ask_none_acceptable) return null;
  const isUnordered = unplaced(judgment.ranking, judgment.ids).length === judgment.ids.length;
  return (
    <div className="flex flex-wrap items-center gap-x-3 pointer-coarse:min-h-11">
      <Switch
        label={t.desk.form.noneAcceptable}
        checked={judgment.noneAcceptable}
        onChange={() => act({ type: "noneAcceptable" })}
      />
      {judgment.noneAcceptable && isUnordered && assignment.form.ties_allowed && (
        <span className="text-soft text-sm">{t.desk.form.noneAcceptableHint}</span>
      )}
    </div>
  );
}
