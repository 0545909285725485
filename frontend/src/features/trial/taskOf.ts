import type { Assignment, Completion, Prompt } from "@/api/types";

const FIRST_LETTER = 65;

/** Nobody's task: it is known to no service, and asks for nothing but the order. */
export const NOBODYS_TASK = {
  id: 0,
  task_id: 0,
  project_id: 0,
  state: "leased",
  purpose: "collect",
  practice: null,
  leased_until: null,
  is_revision: false,
  draft: null,
  draft_sequence: 0,
  previous: null,
  guideline: { number: null, seen: null },
} as const satisfies Partial<Assignment>;

const ORDER_ONLY: Assignment["form"] = {
  ties_allowed: true,
  ask_rating: false,
  ask_flags: false,
  flags: [],
  ask_strength: "off",
  aspects: [],
  prompt_flags: [],
  ask_none_acceptable: false,
  rationale: "off",
};

export function letterAt(place: number): string {
  return String.fromCharCode(FIRST_LETTER + place);
}

/** A prompt's completions as the desk shows them, to be put in order. */
export function taskOf(prompt: Prompt, completions: readonly Completion[]): Assignment {
  return {
    ...NOBODYS_TASK,
    prompt: { id: prompt.id, messages: prompt.messages.map(({ role, content }) => ({ role, content })) },
    completions: completions.map(({ id, text }, place) => ({ id, text, letter: letterAt(place) })),
    form: ORDER_ONLY,
  };
}
