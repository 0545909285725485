import { Button } from "@/components/Button";
import { Notice } from "@/components/Notice";
import { t } from "@/strings";

/** Says that an earlier judgment is on the desk, and that it holds until the change is submitted. */
export function RevisionNotice({ onPutAway }: { onPutAway: () => void }) {
  return (
    <Notice tone="accent" role="status">
      <div className="flex flex-wrap items-center gap-3">
        <p className="me-auto">{t.desk.revising}</p>
        <Button size="small" onClick={onPutAway}>
          {t.desk.stopRevising}
        </Button>
      </div>
    </Notice>
  );
}
