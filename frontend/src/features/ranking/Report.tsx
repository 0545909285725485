import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { reportPrompt } from "@/api/desk";
import { problemOf } from "@/api/problem";
import type { ReportReason } from "@/api/types";
import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { t } from "@/strings";

const CHOICE =
  "border-edge/60 hover:border-accent hover:text-accent min-h-8 rounded-full border px-3 text-sm pointer-coarse:min-h-11";

interface ReportProps {
  assignmentId: number;
  /** Absent where the task cannot be skipped. */
  onSkip: (() => void) | undefined;
}

/** Says that something is wrong with the prompt: one tap, a note if one likes; the ranking goes on meanwhile. */
export function Report({ assignmentId, onSkip }: ReportProps) {
  const [isOpen, setOpen] = useState(false);
  const [note, setNote] = useState("");
  const report = useMutation({
    mutationFn: (reason: ReportReason) => reportPrompt(assignmentId, reason, note.trim()),
    onSuccess: () => setOpen(false),
  });
  if (report.isSuccess) {
    return (
      <p role="status" className="text-soft text-sm">
        {t.desk.work.reported}{" "}
        {onSkip !== undefined && (
          <button type="button" onClick={onSkip} className="text-accent font-semibold underline underline-offset-2">
            {t.desk.work.reportSkip}
          </button>
        )}
      </p>
    );
  }
  return (
    <div className={cx("flex flex-wrap items-center justify-end gap-1.5", isOpen && "w-full")}>
      {isOpen && (
        <div role="group" aria-label={t.desk.work.reportTitle} className="flex flex-wrap items-center gap-1.5">
          <span className="me-1 text-sm font-semibold">{t.desk.work.reportTitle}</span>
          <input
            aria-label={t.desk.work.reportNote}
            placeholder={t.desk.work.reportNote}
            dir="auto"
            maxLength={2_000}
            value={note}
            onChange={(event) => setNote(event.target.value)}
            className="border-edge/60 bg-panel min-h-8 w-48 rounded-full border px-3 text-sm pointer-coarse:min-h-11"
          />
          {(Object.keys(t.desk.work.reportReasons) as ReportReason[]).map((reason) => (
            <button
              key={reason}
              type="button"
              disabled={report.isPending}
              onClick={() => report.mutate(reason)}
              className={CHOICE}
            >
              {t.desk.work.reportReasons[reason]}
            </button>
          ))}
        </div>
      )}
      <Button size="small" variant="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? t.common.cancel : t.desk.work.report}
      </Button>
      {report.isError && (
        <p role="alert" className="text-bad w-full text-sm">
          {t.desk.work.reportFailed} {problemOf(report.error).detail}
        </p>
      )}
    </div>
  );
}
