/** Words for what projects usually ask; other names are read from the slug itself. */
export const slugs = {
  fails_to_follow_the_instruction: "Fails to follow the instruction",
  inappropriate_for_an_assistant: "Inappropriate for an assistant",
  hallucination: "Hallucination",
  satisfies_explicit_constraint: "Satisfies explicit constraint",
  sexual_content: "Sexual content",
  violent_content: "Violent content",
  encourages_harm: "Encourages harm",
  denigrates_a_protected_class: "Denigrates a protected class",
  gives_harmful_advice: "Gives harmful advice",
  expresses_opinion: "Expresses opinion",
  expresses_moral_judgment: "Expresses moral judgment",
  helpful: "Helpful",
  honest: "Honest",
  harmless: "Harmless",
  unclear: "Unclear",
  contains_personal_data: "Contains personal data",
};
