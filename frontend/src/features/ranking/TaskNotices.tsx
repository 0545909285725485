import type { Assignment } from "@/api/types";
import { Notice } from "@/components/Notice";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { RevisionNotice } from "./RevisionNotice";
import type { AtWork } from "./useJudgment";

interface TaskNoticesProps {
  assignment: Assignment;
  work: AtWork;
  isElsewhere: boolean;
  onPutAway: () => void;
}

/** What there is to know about this task before one begins. */
export function TaskNotices({ assignment, work, isElsewhere, onPutAway }: TaskNoticesProps) {
  const { practice, is_revision: isRevision } = assignment;
  return (
    <>
      {isRevision && <RevisionNotice onPutAway={onPutAway} />}
      {practice !== null && (
        <p className="text-soft flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          <Pill tone="accent">{t.desk.work.practice(practice.number, practice.of)}</Pill>
          {practice.attempt > 1 && <span className="font-semibold">{t.desk.work.attempt(practice.attempt)}</span>}
          {t.desk.work.practiceText}
        </p>
      )}
      {isElsewhere && (
        <Notice tone="warn" role="status">
          <p>{t.desk.work.elsewhere}</p>
        </Notice>
      )}
      {work.isRestored && (
        <p role="status" className="text-good text-sm font-medium">
          {t.desk.restored}
        </p>
      )}
    </>
  );
}
