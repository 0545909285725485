import { useState } from "react";

import type { ProjectSettings } from "@/api/types";
import { Check, Select } from "@/components/Field";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { NumberField } from "./NumberField";

const PROMOTIONS = ["manual", "blind", "judge", "automatic"] as const;

/** When the loop acts without being asked. */
export function LoopSettings({ settings: { loop, runs_at_once } }: { settings: ProjectSettings }) {
  const [isAutomatic, setAutomatic] = useState(
    loop.retrain_after_comparisons != null || loop.retrain_every_hours != null,
  );
  return (
    <Panel title={t.settings.loopTitle}>
      <div className="grid gap-4">
        <Check
          name="automatic"
          label={t.settings.loopByItself}
          hint={t.settings.loopByItselfHint}
          checked={isAutomatic}
          onChange={(event) => setAutomatic(event.target.checked)}
        />
        {isAutomatic && (
          <div className="border-line ms-2 grid gap-4 border-s-2 ps-5 sm:grid-cols-2">
            <NumberField
              label={t.settings.retrainAfter}
              hint={t.settings.retrainEmpty}
              name="retrain_after_comparisons"
              min={1}
              value={loop.retrain_after_comparisons}
            />
            <NumberField
              label={t.settings.retrainEvery}
              hint={t.settings.retrainEmpty}
              name="retrain_every_hours"
              min={0.01}
              step="any"
              value={loop.retrain_every_hours}
            />
            <NumberField
              label={t.settings.cyclesPerDay}
              hint={t.settings.limitEmpty}
              name="cycles_per_day"
              min={1}
              value={loop.cycles_per_day}
            />
            <NumberField
              label={t.settings.computePerDay}
              hint={t.settings.limitEmpty}
              name="compute_minutes_per_day"
              min={1}
              step="any"
              value={loop.compute_minutes_per_day}
            />
          </div>
        )}
        <Check name="run_ppo" label={t.settings.runPpo} defaultChecked={loop.run_ppo} />
        <div className="grid gap-4 sm:grid-cols-2">
          <PromotionSettings loop={loop} />
          <NumberField
            label={t.settings.keepReady}
            hint={t.settings.keepReadyHint}
            name="keep_tasks_ready"
            min={0}
            required
            value={loop.keep_tasks_ready}
          />
          <NumberField
            label={t.settings.referencePrompts}
            hint={t.settings.referencePromptsHint}
            name="reference_prompts"
            min={0}
            max={1000}
            required
            value={loop.reference_prompts}
          />
          <NumberField
            label={t.order.runsAtOnce}
            hint={t.order.runsAtOnceHint}
            name="runs_at_once"
            min={1}
            max={1000}
            value={runs_at_once}
          />
        </div>
      </div>
    </Panel>
  );
}

/** Who promotes a new policy, and what that takes. */
function PromotionSettings({ loop }: { loop: ProjectSettings["loop"] }) {
  const [promotion, setPromotion] = useState(loop.promotion);
  return (
    <>
      <Select
        label={t.settings.promotion}
        name="promotion"
        value={promotion}
        onChange={(event) => setPromotion(event.target.value as typeof promotion)}
        options={PROMOTIONS.map((one) => [one, t.settings.promotions[one]] as const)}
      />
      <NumberField
        label={t.settings.blindVotes}
        hint={t.settings.blindVotesHint}
        name="blind_votes"
        min={1}
        max={5000}
        required
        value={loop.blind_votes}
      />
      <JudgeSettings loop={loop} isShown={promotion === "judge"} />
    </>
  );
}

/** What only a judge needs; while it is not asked, its settings stay as they are. */
function JudgeSettings({ loop, isShown }: { loop: ProjectSettings["loop"]; isShown: boolean }) {
  return (
    <div className={isShown ? "border-line ms-2 grid gap-4 border-s-2 ps-5 sm:col-span-2" : "hidden"}>
      <p className="text-soft max-w-prose text-sm">{t.settings.judgeText}</p>
      <NumberField
        label={t.settings.judgePrompts}
        hint={t.settings.judgePromptsHint}
        name="judge_prompts"
        min={50}
        max={5000}
        required
        value={loop.judge_prompts}
      />
      <Check
        name="judge_people_apart"
        label={t.settings.judgePeopleApart}
        hint={t.settings.judgePeopleApartHint}
        defaultChecked={loop.judge_people_apart}
      />
    </div>
  );
}

const WRITERS = ["live", "candidate", "reference", "older"] as const;

/** How completions are written, and by whom. */
export function SamplingSettings({ settings: { sampling, loop } }: { settings: ProjectSettings }) {
  return (
    <Panel title={t.settings.sampling}>
      <div className="grid gap-4 sm:grid-cols-3">
        <NumberField
          label={t.settings.temperature}
          name="temperature"
          min={0}
          max={5}
          step="any"
          required
          value={sampling.temperature}
        />
        <NumberField
          label={t.settings.topP}
          name="top_p"
          min={0.01}
          max={1}
          step="any"
          required
          value={sampling.top_p}
        />
        <NumberField
          label={t.settings.maxNewTokens}
          name="max_new_tokens"
          min={1}
          max={8192}
          required
          value={sampling.max_new_tokens}
        />
      </div>
      <fieldset className="grid gap-3 pt-5">
        <legend className="font-medium">{t.settings.writers}</legend>
        <p className="text-soft max-w-prose text-sm">{t.settings.writersHint}</p>
        <div className="grid grid-cols-2 gap-4 sm:grid-cols-4">
          {WRITERS.map((writer) => (
            <NumberField
              key={writer}
              label={t.settings.writer[writer]}
              name={`writer_${writer}`}
              min={writer === "live" ? 0.01 : 0}
              max={100}
              step="any"
              required
              value={loop.writers[writer]}
            />
          ))}
        </div>
      </fieldset>
    </Panel>
  );
}
