import { Link } from "@tanstack/react-router";

import type { ProjectSettings } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { Check } from "@/components/Field";
import { t } from "@/strings";

import { NumberField } from "./NumberField";
import { Pair, Section } from "./Section";

const PERCENT = 100;

interface WorkSettingsProps {
  projectId: number;
  settings: ProjectSettings;
}

/** How well the work is done, and how it is shared out. */
export function WorkSettings({ projectId, settings }: WorkSettingsProps) {
  return (
    <>
      <Quality projectId={projectId} settings={settings} />
      <Assigning settings={settings} />
      <Section title={t.settings.writing} lead={t.settings.writingLead}>
        <div className="grid gap-2">
          <Check
            name="annotators_write"
            label={t.settings.annotatorsWrite}
            hint={t.settings.annotatorsWriteHint}
            defaultChecked={settings.annotators_write}
          />
          <Check
            name="rank_demonstrations"
            label={t.settings.rankDemonstrations}
            hint={t.settings.rankDemonstrationsHint}
            defaultChecked={settings.rank_demonstrations}
          />
        </div>
      </Section>
    </>
  );
}

function Quality({ projectId, settings: { practice, gold_rate, mask_model_names } }: WorkSettingsProps) {
  const words = t.settings;
  return (
    <Section title={words.quality} lead={words.qualityLead}>
      <NumberField
        label={words.goldRate}
        hint={words.goldRateHint}
        name="gold_percent"
        min={0}
        max={50}
        step="any"
        required
        value={Math.round(gold_rate * PERCENT * PERCENT) / PERCENT}
      />
      <Check
        name="practice_required"
        label={words.practiceRequired}
        hint={words.practiceRequiredHint}
        defaultChecked={practice.required}
      />
      <Pair>
        <NumberField
          label={words.passShare}
          name="practice_pass_percent"
          min={0}
          max={100}
          step="any"
          required
          value={Math.round(practice.pass_share * PERCENT * PERCENT) / PERCENT}
        />
        <NumberField
          label={words.attempts}
          name="practice_attempts"
          min={1}
          max={10}
          required
          value={practice.attempts}
        />
      </Pair>
      <Check
        name="mask_model_names"
        label={words.maskNames}
        hint={words.maskNamesHint}
        defaultChecked={mask_model_names}
      />
      <p>
        <Link to="/p/$projectId/known" params={{ projectId }} className={buttonClass("plain", "small")}>
          {words.openKnown}
        </Link>
      </p>
    </Section>
  );
}

function Assigning({ settings }: { settings: ProjectSettings }) {
  const words = t.settings;
  return (
    <Section title={words.assignment} lead={words.assignmentLead}>
      <Pair>
        <NumberField
          label={words.overlap}
          hint={words.overlapHint}
          name="overlap"
          min={1}
          max={50}
          required
          value={settings.overlap}
        />
        <NumberField
          label={words.dailyCap}
          hint={words.dailyCapHint}
          name="daily_cap"
          min={1}
          max={100_000}
          value={settings.daily_cap}
        />
        <NumberField
          label={words.leaseMinutes}
          hint={words.leaseMinutesHint}
          name="lease_minutes"
          min={0.01}
          step="any"
          required
          value={settings.lease_minutes}
        />
        <NumberField
          label={words.editWindow}
          hint={words.editWindowHint}
          name="edit_window_minutes"
          min={0}
          step="any"
          required
          value={settings.edit_window_minutes}
        />
      </Pair>
    </Section>
  );
}
