import type { ReactNode } from "react";

import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import type { Bench } from "./bench";
import { Rail } from "./Rail";
import { isComplete } from "./ranking";
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
  const isReady = isComplete(bench.judgment.ranking, bench.judgment.ids);
  const isRevision = bench.assignment.is_revision;
  return (
    <footer className="border-line bg-panel sticky bottom-0 z-20 border-t pb-[env(safe-area-inset-bottom)]">
      <div className="mx-auto w-full max-w-[150rem]">{children}</div>
      <div className="mx-auto flex w-full max-w-[150rem] flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-7">
        <span className="text-soft text-sm font-semibold max-lg:sr-only">{t.desk.yourOrder}</span>
        <Rail bench={bench} />
        <div className="ml-auto flex items-center gap-2 max-sm:w-full">
          <span
            role="status"
            className={cx("mr-1 text-sm max-sm:mr-auto", draft === "saved" ? "text-good" : "text-soft")}
          >
            {draft === "saved" ? t.desk.draftSaved : draft === "local" ? t.desk.draftLocal : ""}
          </span>
          {!isRevision && (
            <Button onClick={onSkip} className="max-sm:ml-auto">
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
