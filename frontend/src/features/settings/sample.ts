import type { Assignment, ProjectSettings } from "@/api/types";
import { letterAt, NOBODYS_TASK } from "@/features/trial/taskOf";
import { t } from "@/strings";

/** A task as the settings would make it: nobody's, and known to no service. */
export function sampleAssignment(settings: ProjectSettings): Assignment {
  const answers = t.settings.previewAnswers.slice(0, settings.completions_per_task);
  return {
    ...NOBODYS_TASK,
    prompt: { id: 0, messages: [{ role: "user", content: t.settings.previewPrompt }] },
    completions: answers.map((text, place) => ({
      id: place + 1,
      letter: letterAt(place),
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
