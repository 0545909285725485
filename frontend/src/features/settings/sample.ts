import type { Assignment, ProjectSettings } from "@/api/types";
import { t } from "@/strings";

const FIRST_LETTER = 65;

/** A task as the settings would make it: nobody's, and known to no service. */
export function sampleAssignment(settings: ProjectSettings): Assignment {
  const answers = t.settings.previewAnswers.slice(0, settings.completions_per_task);
  return {
    id: 0,
    task_id: 0,
    project_id: 0,
    state: "leased",
    purpose: "collect",
    practice: null,
    leased_until: null,
    is_revision: false,
    draft: null,
    previous: null,
    guideline: { number: null, seen: null },
    prompt: { id: 0, messages: [{ role: "user", content: t.settings.previewPrompt }] },
    completions: answers.map((text, place) => ({
      id: place + 1,
      letter: String.fromCharCode(FIRST_LETTER + place),
      text,
    })),
    form: formOf(settings, answers.length),
  };
}

function formOf(settings: ProjectSettings, answers: number): Assignment["form"] {
  return {
    ties_allowed: settings.ties_allowed,
    ask_rating: settings.ask_rating,
    ask_flags: settings.ask_flags,
    flags: settings.flags ?? [],
    ask_strength: answers === 2 ? settings.ask_strength : "off",
    aspects: settings.aspects ?? [],
    prompt_flags: settings.prompt_flags ?? [],
    ask_none_acceptable: settings.ask_none_acceptable,
    rationale: settings.rationale,
  };
}
