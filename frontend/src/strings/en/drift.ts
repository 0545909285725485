import { counted } from "./counted";

import { counted } from "./counted";

export const drift = {
  view: "What to see",
  versions: "Models",
  title: "Drift",
  heading: "How the policy has moved",
  lead: (prompts: string) =>
    `Every version answers the same ${counted(prompts, "held-out prompt")}, with the same seed and settings. Bars are 95 % intervals.`,
  measure: (count: number) => `Measure ${counted(count, "version")}`,
  measuring: (count: number) => (count === 1 ? "1 version is being measured" : `${count} versions are being measured`),
  onlyOne: "No policy has come after the first model yet",
  onlyOneText:
    "Run a cycle on the loop's page. Each policy that is promoted answers a few held-out prompts; from the first one on you see here how far it has moved, and read both models' answers side by side.",
  toLoop: "Open the loop",
  noPrompts: "There are no reference prompts",
  noPromptsText:
    "Drift is measured on held-out prompts, which no training sees. Upload prompts: about a fifth of them is held out. The number of reference prompts is a setting of the project; 0 keeps none.",
  toPrompts: "Open the prompts",
  unmeasured: "No version has been measured yet",
  unmeasuredText: (prompts: string) =>
    `Each version answers ${counted(prompts, "reference prompt")} in the background, after all other runs. Its figures and its answers stand here when it is done.`,
  from: (value: string, name: string) => `${value} in ${name}`,
  chartAlt: (figure: string, first: string, last: string) => `${figure} from ${first} to ${last}`,
  figures: {
    kl: "Distance, nats",
    wins: "Wins against the one before",
    reward: "Reward over the start (proxy)",
    tokens: "Tokens an answer",
    stopped: "Ends by itself",
    distinct: "Variety (distinct-2)",
  },
  hints: {
    kl: "KL from the model that it came from",
    wins: "Share of answers preferred; half is no difference",
    reward: "By its own reward model: high is no proof of good",
    tokens: "Growing answers often please a reward model",
    stopped: "Falling: answers are cut at the longest length",
    distinct: "Different pairs of words; falling: it repeats itself",
  },
  table: "Version by version",
  version: "Version",
  columns: {
    kl: "Distance, nats",
    before: "Against the one before",
    first: "Against the first",
    reward: "Reward (proxy)",
    tokens: "Tokens",
    stopped: "Ends itself",
    repetition: "Repeats",
    distinct: "Distinct-2",
  },
  otherBasisText: "Measured on other prompts or settings: not in the pictures. Measure it to compare.",
  notMeasured: "Not measured",
  isStart: "Start",
  by: { people: "People", judge: "Judge", proxy: "Proxy" },
  plusMinus: (value: string, error: string) => `${value} ± ${error}`,
  perToken: (value: string) => `${value} a token`,
  openRun: (name: string) => `Open the run that measured ${name}`,
  sideBySide: "The same prompts, side by side",
  left: "Version",
  right: "Beside",
  nats: (value: string) => `${value} nats from the start`,
  noPairs: "Nothing to read side by side",
  noPairsText: "These two have not answered the same prompts. Measure both, then read them here.",
};
