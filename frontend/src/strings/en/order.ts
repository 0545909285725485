export const order = {
  title: "Urgency, queue and devices",
  priority: "Urgency",
  levels: { urgent: "Urgent", normal: "Normal", background: "When nothing else waits" },
  priorityHint: "More urgent runs are taken first, whichever project they are of.",
  queue: "Queue",
  queueHint: "Left empty: the one of this kind of run.",
  devices: "Devices",
  devicesHint: "So many processes share the run. Left empty: all that its worker has.",
  waits: {
    pause: (when: string) => `It is tried again ${when}.`,
    worker: (queue: string) =>
      `No worker serves the queue “${queue}”. Somebody has to start one: plackett work ${queue}`,
    devices: (most: number) => `It asks for more devices than any worker of its queue has: ${most} at most.`,
    room: (takes: string, most: string) =>
      `It takes about ${takes}, and no worker of its queue that is there has so much for it: ${most} at most. It waits for a larger one.`,
    project_limit: (running: number, limit: number) =>
      `This project may have ${limit} ${limit === 1 ? "run" : "runs"} at work at once, and ${running} ${running === 1 ? "is" : "are"}.`,
    priority: (before: number) =>
      before === 1 ? "A more urgent run goes first." : `${before} more urgent runs go first.`,
    turn: (before: number, projects: number) =>
      [
        before > 0 ? `${before} of this project's runs ${before === 1 ? "goes" : "go"} first.` : null,
        projects > 0
          ? `${projects === 1 ? "Another project takes" : `${projects} other projects take`} turns with this one.`
          : null,
      ]
        .filter((part) => part !== null)
        .join(" "),
    workers: (queue: string) => `It is the next one; the workers of the queue “${queue}” are busy with others.`,
  },
  runsAtOnce: "Most runs at work at once",
  runsAtOnceHint: "Imports aside. Further ones wait until one has ended. Left empty: as many as there are workers.",
};
