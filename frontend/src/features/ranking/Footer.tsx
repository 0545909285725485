import type { ReactNode } from "react";

import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import { type Bench, canSkip, isPair } from "./bench";
import { Order } from "./Order";
import { unplaced } from "./ranking";
import { pointOf } from "./scale";
import type { DraftState } from "./useJudgment";

interface FooterProps {
  bench: Bench;
  draft: DraftState;
  skipKey: string;
  onSubmit: () => void;
  onSkip: () => void;
  /** What happened last, or what is missing: above the order, so that nothing one reads is moved. */
  children: ReactNode;
}

/** Always in sight: the order so far, and the two ways on. */
export function Footer({ bench, draft, skipKey, onSubmit, onSkip, children }: FooterProps) {
  const { judgment, assignment } = bench;
  const open = unplaced(judgment.ranking, judgment.ids).length;
  // The last one's place is clear by then.
  const isReady = open === 0 || (open === 1 && !isPair(judgment));
  const isRevision = assignment.is_revision;
  return (
    <footer className="border-line bg-panel @container sticky bottom-0 z-20 border-t pb-[env(safe-area-inset-bottom)]">
      <div className="mx-auto w-full max-w-[150rem]">{children}</div>
      <div className="mx-auto flex w-full max-w-[150rem] flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-7">
        <span className="text-soft text-sm font-semibold max-lg:sr-only">
          {isPair(judgment) ? verdict(bench) : t.desk.yourOrder}
        </span>
        <Order bench={bench} />
        <div className="ms-auto flex items-center gap-2 max-sm:w-full">
          <DraftWord draft={draft} />
          {canSkip(assignment) && (
            <Button onClick={onSkip} className="max-sm:ms-auto">
              {t.desk.skip} <Kbd>{skipKey}</Kbd>
            </Button>
          )}
          <Button variant={isReady ? "primary" : "plain"} onClick={onSubmit} className="min-w-28">
            {isRevision ? t.desk.resubmit : t.desk.submit}
            <span aria-hidden="true" className="text-sm opacity-75 pointer-coarse:hidden">
              ⏎
            </span>
          </Button>
        </div>
      </div>
    </footer>
  );
}

/** Where the scale stands, in words. */
function verdict({ judgment, letterOf }: Bench): string {
  const point = pointOf(judgment);
  if (point === null) return t.desk.form.scale;
  return point.id === null ? t.desk.form.same : t.desk.form.point(letterOf(point.id), point.strength);
}

/** Where the unfinished work is kept, in words. */
export function DraftWord({ draft }: { draft: DraftState }) {
  const words = {
    none: "",
    saved: t.desk.draftSaved,
    local: t.desk.draftLocal,
    unsafe: t.desk.work.draftUnsafe,
  };
  return (
    <span
      role="status"
      className={cx(
        "me-1 text-sm max-sm:me-auto",
        draft === "saved" ? "text-good" : draft === "unsafe" ? "text-warn font-semibold" : "text-soft",
      )}
    >
      {words[draft]}
    </span>
  );
}
