import { counted } from "./counted";

export const blind = {
  title: "Blind comparisons",
  lead: "Two versions answer the same held-out prompts. People judge the answers among their other tasks, as many at once as in those, and are not told what they are or who wrote which. Their votes are kept apart from training data.",
  ofPolicy: "What blind people say of it",
  pair: (candidate: string, rival: string) => `${candidate} against ${rival}`,
  states: { open: "Collecting votes", finished: "Finished", cancelled: "Stopped" },
  verdicts: { better: "Better", worse: "Worse", undecided: "Not enough evidence" },
  votes: (wins: string, losses: string, ties: string) =>
    `${counted(wins, "win")} · ${counted(losses, "loss", "losses")} · ${counted(ties, "tie")}`,
  identical: (count: string) => `${counted(count, "prompt")} answered alike`,
  share: (share: string, low: string, high: string, percent: string) =>
    `Win rate ${share} of the decided votes, ${percent} % confidence sequence ${low}–${high}`,
  waiting: (count: string) => `${counted(count, "task waits", "tasks wait")} for a vote.`,
  needed: (count: string) => `About ${counted(count, "more vote")} if they go on like this.`,
  restsOnOne: (most: string, decided: string, percent: string) =>
    `One person cast ${most} of the ${counted(decided, "decided vote")}; a verdict may rest on one person for ${percent} % at most.`,
  nobodyKnows: "Too early to say how many votes it takes.",
  stop: "Stop",
  candidate: "Candidate",
  rival: "Compared with",
  prompts: "Held-out prompts, at most",
  takes:
    "One vote a prompt, for whoever wins more pairs of one answer by each. You may look after every vote: the confidence sequence holds at all times together. A true win rate of 60 % takes about 195 decided votes to tell from one half, 55 % about 780.",
  ask: "Ask people",
  nothingToCompare: "There is nothing to compare yet: it takes a live model and another one that writes.",
};
