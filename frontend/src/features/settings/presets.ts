/** The lists that projects most often want. */
export const INSTRUCTGPT_FLAGS = [
  "fails_to_follow_the_instruction",
  "inappropriate_for_an_assistant",
  "hallucination",
  "satisfies_explicit_constraint",
  "sexual_content",
  "violent_content",
  "encourages_harm",
  "denigrates_a_protected_class",
  "gives_harmful_advice",
  "expresses_opinion",
  "expresses_moral_judgment",
] as const;

export const HELPFUL_HONEST_HARMLESS = ["helpful", "honest", "harmless"] as const;

export const ABOUT_THE_PROMPT = ["unclear", "contains_personal_data"] as const;
