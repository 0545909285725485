import { hasStatus } from "@/api/problem";
import { Button } from "@/components/Button";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

import type { DeskState } from "./deskState";
import type { Guidelines } from "./useGuidelines";
import { useOnline } from "./useOnline";

interface DeskNoticesProps {
  state: DeskState;
  guidelines: Guidelines;
  areGuidelinesOpen: boolean;
  onGuidelines: () => void;
  onRetry: () => void;
}

const NO_ANSWER = 0;
const LINE = "rounded-xl border px-4 py-2.5 text-sm flex flex-wrap items-center gap-x-2 gap-y-1";

/** Quiet lines above the task: the connection, other tabs, the guidelines; and what went wrong. */
export function DeskNotices(props: DeskNoticesProps) {
  const { state, guidelines } = props;
  const isUnanswered = hasStatus(state.error, NO_ANSWER);
  return (
    <div className="mx-auto grid w-full max-w-[150rem] gap-2 px-4 not-empty:pb-3 sm:px-7">
      <Connection state={state} isUnanswered={isUnanswered} />
      {!state.isSafe && (
        <p role="alert" className={`${LINE} border-bad/40 bg-bad-soft text-bad font-medium`}>
          {t.desk.work.unsafe(state.unsent)}
        </p>
      )}
      {state.finishedElsewhere && (
        <p role="status" className={`${LINE} border-line bg-panel`}>
          {t.desk.work.finishedElsewhere}
        </p>
      )}
      {guidelines.isNew && !props.areGuidelinesOpen && (
        <div role="status" className={`${LINE} border-accent/40 bg-accent-soft`}>
          <span className="me-auto font-medium">
            {guidelines.seen === null ? t.desk.work.guidelinesNew : t.desk.work.guidelinesChanged}
          </span>
          <Button size="small" onClick={props.onGuidelines}>
            {guidelines.seen === null ? t.desk.work.guidelinesRead : t.desk.work.guidelinesShow}
          </Button>
          <Button size="small" variant="quiet" onClick={guidelines.markSeen}>
            {t.desk.work.guidelinesSeen}
          </Button>
        </div>
      )}
      {state.error !== null && !isUnanswered && <ErrorNote error={state.error} onRetry={props.onRetry} />}
    </div>
  );
}

/** Shown while nothing comes through, with the number of rankings that wait. */
function Connection({ state, isUnanswered }: { state: DeskState; isUnanswered: boolean }) {
  const isOnline = useOnline();
  if (isOnline && !state.isRetrying && !isUnanswered) return null;
  return (
    <p role="status" className={`${LINE} border-warn/40 bg-warn-soft`}>
      <span className="text-warn font-semibold">{isOnline ? t.desk.work.unreachable : t.desk.work.offline}</span>
      <span>{t.desk.work.kept(state.unsent)}</span>
    </p>
  );
}
