import type { ProjectSettings } from "@/api/types";
import { Check, Select, TextArea, TextField } from "@/components/Field";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

const RATIONALES = ["off", "optional", "required"] as const;

/** What annotators are asked. */
export function DeskSettings({ settings }: { settings: ProjectSettings }) {
  return (
    <Panel title={t.project.desk}>
      <div className="grid gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={t.project.completionsPerTask}
            hint={t.project.completionsPerTaskHint}
            name="completions_per_task"
            type="number"
            min={2}
            max={9}
            required
            defaultValue={settings.completions_per_task}
          />
          <TextField
            label={t.project.overlap}
            hint={t.project.overlapHint}
            name="overlap"
            type="number"
            min={1}
            max={50}
            required
            defaultValue={settings.overlap}
          />
        </div>
        <div className="grid">
          <Check name="ties_allowed" label={t.project.tiesAllowed} defaultChecked={settings.ties_allowed} />
          <Check name="ask_rating" label={t.project.askRating} defaultChecked={settings.ask_rating} />
          <Check name="ask_flags" label={t.project.askFlags} defaultChecked={settings.ask_flags} />
        </div>
        <TextArea
          label={t.project.flags}
          hint={t.project.flagsHint}
          name="flags"
          rows={5}
          spellCheck={false}
          defaultValue={(settings.flags ?? []).join("\n")}
        />
        <div className="grid gap-4 sm:grid-cols-3">
          <Select
            label={t.project.rationale}
            name="rationale"
            defaultValue={settings.rationale}
            options={RATIONALES.map((one) => [one, t.project.rationales[one]] as const)}
          />
          <TextField
            label={t.project.leaseMinutes}
            hint={t.project.leaseMinutesHint}
            name="lease_minutes"
            type="number"
            min={0.01}
            step="any"
            required
            defaultValue={settings.lease_minutes}
          />
          <TextField
            label={t.project.editWindow}
            hint={t.project.editWindowHint}
            name="edit_window_minutes"
            type="number"
            min={0}
            step="any"
            required
            defaultValue={settings.edit_window_minutes}
          />
        </div>
        <TextArea
          label={t.project.guidelines}
          hint={t.project.guidelinesHint}
          name="guidelines"
          rows={8}
          defaultValue={settings.guidelines}
        />
      </div>
    </Panel>
  );
}
