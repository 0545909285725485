import { Button, IconButton } from "@/components/Button";
import { Markdown } from "@/components/Markdown";
import { TextDiff } from "@/components/TextDiff";
import { t } from "@/strings";

import type { Guidelines } from "./useGuidelines";

interface GuidelinesPanelProps {
  guidelines: Guidelines;
  onClose: () => void;
}

/** The project's guidelines beside the work, or over it on a phone; what changed comes first. */
export function GuidelinesPanel({ guidelines, onClose }: GuidelinesPanelProps) {
  const { text, number, seen, before, isNew, markSeen } = guidelines;
  return (
    <aside
      aria-label={t.desk.guidelines}
      className="border-line bg-panel max-lg:shadow-float w-full border-s max-lg:fixed max-lg:inset-0 max-lg:z-40 max-lg:overflow-y-auto lg:sticky lg:top-0 lg:h-dvh lg:w-96 lg:shrink-0 lg:overflow-y-auto"
      tabIndex={0}
    >
      <header className="bg-panel border-line sticky top-0 z-10 flex items-center gap-2 border-b px-5 py-3">
        <h2 className="text-base font-semibold">{t.desk.guidelines}</h2>
        <span className="text-soft me-auto text-sm">{number !== null && t.desk.work.guidelinesVersion(number)}</span>
        {isNew && (
          <Button size="small" variant="primary" onClick={markSeen}>
            {t.desk.work.guidelinesSeen}
          </Button>
        )}
        <IconButton icon="close" label={t.common.close} onClick={onClose} className="-me-2" />
      </header>
      {before !== null && seen !== null && number !== null && (
        <section className="border-line grid gap-2 border-b px-5 py-4">
          <h3 className="text-sm font-semibold">{t.desk.work.changes(seen, number)}</h3>
          <TextDiff before={before} after={text} className="text-sm" />
        </section>
      )}
      <div className="px-5 pt-4 pb-8">
        {before !== null && <h3 className="pb-2 text-sm font-semibold">{t.desk.work.wholeText}</h3>}
        {text === "" ? <p className="text-soft">{t.desk.noGuidelines}</p> : <Markdown text={text} />}
      </div>
    </aside>
  );
}
