import { describe, expect, it } from "vitest";

import { waitingText } from "./waiting";

const NOTHING = { queue: "training", runs: null, projects: null, limit: null, takes: null, room: null, until: null };

describe("why a run waits", () => {
  it("names the project's limit and how many are at work", () => {
    expect(waitingText({ ...NOTHING, why: "project_limit", runs: 1, limit: 1 })).toBe(
      "This project may have 1 run at work at once, and 1 is.",
    );
  });

  it("says who goes first", () => {
    expect(waitingText({ ...NOTHING, why: "priority", runs: 2 })).toBe("2 more urgent runs go first.");
    expect(waitingText({ ...NOTHING, why: "turn", runs: 3, projects: 0 })).toBe("3 of this project's runs go first.");
    expect(waitingText({ ...NOTHING, why: "turn", runs: 0, projects: 1 })).toBe(
      "Another project takes turns with this one.",
    );
  });

  it("says how to start a worker where there is none", () => {
    expect(waitingText({ ...NOTHING, queue: "night", why: "worker" })).toContain("plackett work night");
  });

  it("says what the run takes and what there is for it", () => {
    const text = waitingText({ ...NOTHING, why: "room", takes: 40e9, room: 24e9 });
    expect(text).toContain("takes about 40");
    expect(text).toContain("24 GB at most");
  });

  it("says what the largest worker has", () => {
    expect(waitingText({ ...NOTHING, why: "devices", limit: 2 })).toContain("2 at most");
  });
});
