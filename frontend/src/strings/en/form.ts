const STRENGTHS: Record<number, string> = { 1: "negligibly", 2: "slightly", 3: "clearly", 4: "significantly" };

/** What a judgment asks beside the order. */
export const form = {
  scale: "Which answer is better?",
  better: (letter: string) => `${letter} is better`,
  point: (letter: string, strength: number | null) => {
    const words = strength === null ? undefined : STRENGTHS[strength];
    return words === undefined ? `${letter} is better` : `${letter} is ${words} better`;
  },
  strength: (strength: number) => STRENGTHS[strength] ?? String(strength),
  same: "About the same",
  strengthNext: "How much? Type 1 to 4.",
  enterSubmits: "Enter submits.",
  preferenceMissing: "Say which answer is better, or that they are about the same.",
  strengthMissing: "Say how much better it is: 1 negligibly to 4 significantly.",
  scores: (letter: string) => `Ratings of answer ${letter}`,
  rateAspect: (letter: string, aspect: string, value: number) => `${aspect}: rate answer ${letter} ${value} of 7`,
  aspectSaid: (letter: string, aspect: string, value: number | null) =>
    value === null ? `${aspect} of ${letter}: no rating.` : `${aspect} of ${letter}: ${value} of 7.`,
  flagSaid: (letter: string, flag: string, isOn: boolean) => (isOn ? `${letter}: ${flag}.` : `${letter}: not ${flag}.`),
  flagsOf: (letter: string) => `Flags of answer ${letter}`,
  flagsKeys: "The keys choose; Esc closes",
  noneAcceptable: "None of these is acceptable",
  noneAcceptableHint: "Submitted without an order, they count as equally bad.",
  promptFlags: "About the prompt",
};
