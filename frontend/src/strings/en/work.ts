/** Guidelines, practice, reports, and what the desk says about the connection and other tabs. */
import { counted } from "./counted";

function count(rankings: number): string {
  return rankings === 1 ? "1 ranking" : `${rankings} rankings`;
}

export const work = {
  offline: "You are offline.",
  unreachable: "The service does not answer.",
  kept: (rankings: number) =>
    rankings === 0
      ? "What you do is kept in this browser and sent by itself."
      : `${count(rankings)} kept in this browser, sent by itself as soon as it can be.`,
  unsafe: (rankings: number) =>
    `This browser's storage is full: ${count(rankings)} kept by this page alone. Leave it open until they are sent.`,
  offlineEmpty: "Nothing more to rank until the connection is back",
  offlineEmptyText: "The next task comes by itself. You can close the laptop: what you did is kept.",
  signInAgain: "Sign in to go on where you were. What you did is kept in this browser.",
  unsentAtDoor: (rankings: number) => `${count(rankings)} not sent yet: sent as soon as you are in.`,
  elsewhere: "This task is also open in another tab. It is one judgment: whichever tab submits it first counts.",
  finishedElsewhere: "You finished that task in another tab. Here is the next one.",
  draftUnsafe: "Not kept yet: this browser's storage is full",
  guidelinesVersion: (number: number) => `Version ${number}`,
  guidelinesNew: "This project has guidelines. Read them before you start.",
  guidelinesChanged: "The guidelines changed.",
  guidelinesShow: "See what changed",
  guidelinesRead: "Read",
  guidelinesSeen: "Got it",
  changes: (from: number, to: number) => `What changed from version ${from} to ${to}`,
  wholeText: "The whole text",
  added: "added",
  removed: "removed",
  unchanged: (lines: number) => (lines === 1 ? "1 unchanged line" : `${lines} unchanged lines`),
  practice: (number: number, of: number) => `Practice ${number} of ${of}`,
  practiceText: "You see the right answer after each one. Practice is no data.",
  attempt: (attempt: number) => `attempt ${attempt}`,
  practiceSent: "Looking up the answer …",
  practiceWaits: "The answer comes as soon as the service answers. Your ranking is kept.",
  yourOrder: "Your order",
  rightOrder: "The right order",
  agree: (percent: string) => `You agree on ${percent} of the pairs.`,
  agreeAll: "You agree on every pair.",
  why: "Why",
  places: (own: number, right: number) => (own === right ? `place ${own}, right` : `yours ${own}, right ${right}`),
  goOn: "Go on",
  goOnToWork: "Go on to the real tasks",
  tryAgain: "Start the next attempt",
  passed: "You passed the practice round",
  passedText: (percent: string) => `${percent} agreement. From here on every judgment counts.`,
  failed: "Not passed this time",
  failedText: (percent: string, left: number) =>
    left === 0
      ? `${percent} agreement. That was the last attempt; an admin of the project can open another one.`
      : `${percent} agreement. ${left === 1 ? "One more attempt is" : `${left} more attempts are`} left. Read the guidelines first.`,
  gold: (percent: string, judged: number) =>
    `On ${counted(judged, "task")} whose right order is known, you agreed on ${percent} of the pairs.`,
  report: "Report",
  reportTitle: "What is wrong with this prompt?",
  reportReasons: {
    unclear: "Unclear",
    personal_data: "Personal data",
    harmful: "Harmful",
    other: "Something else",
  },
  reportNote: "A note (optional)",
  reported: "Reported, thank you. Rank it all the same, or",
  reportSkip: "skip it",
  reportFailed: "The report could not be sent:",
  skip: (reason: string) => `Skip: ${reason}`,
};
