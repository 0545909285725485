import { useMemo, useState } from "react";

import type { ProjectSettings } from "@/api/types";
import { Button } from "@/components/Button";
import { usePreferences } from "@/features/ranking/preferences";
import { TrialDesk } from "@/features/trial/TrialDesk";
import { t } from "@/strings";

import { sampleAssignment } from "./sample";

/** The desk itself at work on a sample task, by the settings as they stand in the form. */
export function DeskPreview({ settings }: { settings: ProjectSettings }) {
  const [preferences] = usePreferences();
  const [round, setRound] = useState(0);
  const again = () => setRound(round + 1);
  const assignment = useMemo(() => sampleAssignment(settings), [settings]);
  // Another form is another task: what was said on the one before it no longer fits.
  const key = `${round} ${JSON.stringify(assignment.form)} ${assignment.completions.length}`;
  return (
    <aside id="preview" aria-label={t.settings.preview} className="grid min-w-0 gap-3 xl:sticky xl:top-4">
      <header className="flex flex-wrap items-start gap-3 px-1">
        <div className="me-auto">
          <h2 className="text-base font-semibold">{t.settings.preview}</h2>
          <p className="text-soft text-sm">{t.settings.previewLead}</p>
        </div>
        <Button size="small" onClick={again}>
          {t.settings.previewAgain}
        </Button>
      </header>
      <div className="border-edge/40 bg-bg overflow-hidden rounded-2xl border border-dashed xl:max-h-[calc(100dvh-6rem)] xl:overflow-y-auto">
        <TrialDesk key={key} assignment={assignment} preferences={preferences} onAgain={again} />
      </div>
    </aside>
  );
}
