import type { ProjectSettings } from "@/api/types";
import { Check, Select } from "@/components/Field";
import { t } from "@/strings";

import type { Lists } from "./form";
import { ListEditor } from "./ListEditor";
import { NumberField } from "./NumberField";
import { ABOUT_THE_PROMPT, HELPFUL_HONEST_HARMLESS, INSTRUCTGPT_FLAGS } from "./presets";
import { Pair, Section } from "./Section";

const CHOICES = ["off", "optional", "required"] as const;
const MOST_ASPECTS = 10;

interface QuestionsProps {
  settings: ProjectSettings;
  onList: (change: Partial<Lists>) => void;
}

/** What annotators are asked: about the order, about each answer, about the prompt. */
export function Questions({ settings, onList }: QuestionsProps) {
  const words = t.settings;
  return (
    <>
      <OrderQuestions settings={settings} />
      <Section title={words.each} lead={words.eachLead}>
        <Check name="ask_rating" label={words.rating} hint={words.ratingHint} defaultChecked={settings.ask_rating} />
        <ListEditor
          label={words.aspects}
          hint={words.aspectsHint}
          values={settings.aspects ?? []}
          preset={{ name: words.presetAspects, values: HELPFUL_HONEST_HARMLESS }}
          most={MOST_ASPECTS}
          onChange={(aspects) => onList({ aspects })}
        />
        <Check name="ask_flags" label={words.askFlags} hint={words.flagsHint} defaultChecked={settings.ask_flags} />
        <ListEditor
          label={words.flags}
          hint={words.list.renaming}
          values={settings.flags ?? []}
          preset={{ name: words.presetFlags, values: INSTRUCTGPT_FLAGS }}
          onChange={(flags) => onList({ flags })}
        />
      </Section>
      <Section title={words.prompt} lead={words.promptLead}>
        <ListEditor
          label={words.promptFlags}
          hint={words.promptFlagsHint}
          values={settings.prompt_flags ?? []}
          preset={{ name: words.presetPrompt, values: ABOUT_THE_PROMPT }}
          onChange={(prompt_flags) => onList({ prompt_flags })}
        />
      </Section>
    </>
  );
}

function OrderQuestions({ settings }: { settings: ProjectSettings }) {
  const words = t.settings;
  const choices = CHOICES.map((one) => [one, words.choices[one]] as const);
  return (
    <Section title={words.order} lead={words.orderLead}>
      <NumberField
        label={words.completionsPerTask}
        hint={words.completionsPerTaskHint}
        name="completions_per_task"
        min={2}
        max={9}
        required
        value={settings.completions_per_task}
      />
      <div className="grid gap-2">
        <Check
          name="ties_allowed"
          label={words.tiesAllowed}
          hint={words.tiesAllowedHint}
          defaultChecked={settings.ties_allowed}
        />
        <Check
          name="ask_none_acceptable"
          label={words.noneAcceptable}
          hint={words.noneAcceptableHint}
          defaultChecked={settings.ask_none_acceptable}
        />
      </div>
      <Pair>
        <Select
          label={words.strength}
          hint={words.strengthHint}
          name="ask_strength"
          defaultValue={settings.ask_strength}
          options={choices}
        />
        <Select label={words.rationale} name="rationale" defaultValue={settings.rationale} options={choices} />
      </Pair>
    </Section>
  );
}
