import { counted } from "./counted";

export const tasks = {
  lead: "Who may judge what, and how often. A task is done when as many people have judged it as its overlap says.",
  overlapTitle: "Judgments a task",
  overlapText: "Raise it for all tasks, and finished ones open again for others; lower it, and no judgment is lost.",
  overlap: "How many",
  which: "For",
  whichOptions: { open: "open tasks", all: "all tasks, finished ones too" },
  apply: "Apply",
  changed: (count: string) => `${counted(count, "task")} changed.`,
  list: "All tasks",
  states: { open: "Open", done: "Done", retired: "Closed" },
  kinds: { ranking: "Ranking", writing: "Writing" },
  judged: (judged: string, overlap: string) => `${judged} of ${overlap}`,
  change: "Change",
  changeThis: (excerpt: string) => `Change the task: ${excerpt}`,
  reserve: "Keep for",
  reserveNobody: "Anybody",
  reserveHint: "One judgment of this task waits for that person; everything else goes to anybody.",
  empty: "No tasks yet",
  emptyText: "Tasks are made when completions are written: upload prompts, then run a cycle or a sampling run.",
  writingTitle: "Writing",
  writingText: "People write the ideal answer. Written ones can be ranked beside the models' answers.",
  writingSummary: (open: string, done: string, demonstrations: string) =>
    `${open} open · ${done} done · ${counted(demonstrations, "demonstration")}`,
  writingProgress: "Writing tasks that are done",
  writingCount: "How many prompts",
  writingOverlap: "Writers a prompt",
  writingSet: "From the set",
  writingAnySet: "Any set",
  writingOpen: "Open writing tasks",
  writingOpened: (count: number) =>
    count === 0
      ? "No prompt was left to open."
      : count === 1
        ? "1 writing task is open."
        : `${count} writing tasks are open.`,
  writingAdminsOnly: "Only admins may write: the settings can let annotators write too.",
};
