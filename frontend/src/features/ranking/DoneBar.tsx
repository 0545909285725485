import { Link } from "@tanstack/react-router";

import type { SkipReason } from "@/api/types";
import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import type { Done } from "./deskState";

interface DoneBarProps {
  done: Done;
  /** How many rankings wait because the service does not answer. */
  unsent: number;
  projectId: number;
  undoKey: string;
  onUndo: () => void;
  onReason: (reason: SkipReason) => void;
}

const LINE = "flex flex-wrap items-center gap-x-2 gap-y-1.5 px-4 pt-2 text-sm sm:px-7";

function outcome({ receipt }: Done): string {
  if (receipt === null) return t.desk.sending;
  return receipt.extra ? t.desk.submittedExtra : t.desk.submitted;
}

/** The quiet line after a submit or a skip: what happened, and the way back. */
export function DoneBar({ done, unsent, projectId, undoKey, onUndo, onReason }: DoneBarProps) {
  const undo = (
    <Button size="small" variant="quiet" onClick={onUndo} className="text-accent">
      {t.desk.undo} <Kbd>{undoKey}</Kbd>
    </Button>
  );
  if (done.kind === "skipped" && !done.isOpen) return null;
  if (done.kind === "submitted") {
    return (
      <div role="status" className={LINE}>
        <span className={cx("font-medium", unsent > 0 ? "text-warn" : done.receipt !== null && "text-good")}>
          {unsent > 0 ? t.desk.pending(unsent) : outcome(done)}
        </span>
        {undo}
        <Link
          to="/p/$projectId/history"
          params={{ projectId }}
          className="text-soft hover:text-ink underline underline-offset-2 max-sm:hidden"
        >
          {t.desk.editLater}
        </Link>
      </div>
    );
  }
  return (
    <div role="status" className={LINE}>
      <span className="font-medium">{t.desk.skipped}</span>
      {(Object.keys(t.desk.skipReasons) as SkipReason[]).map((reason) => (
        <button
          key={reason}
          type="button"
          onClick={() => onReason(reason)}
          className={cx(
            "border-edge/60 hover:border-accent hover:text-accent min-h-8 rounded-full border px-3",
            "pointer-coarse:min-h-11",
          )}
        >
          {t.desk.skipReasons[reason]}
        </button>
      ))}
      {undo}
    </div>
  );
}
