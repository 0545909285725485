import { describe, expect, it } from "vitest";

import type { ProjectSettings } from "@/api/types";

import { listsOf, settingsIn } from "./form";

const BEFORE = { loop: { paused: true } } as ProjectSettings;

function loopOf(fields: Record<string, string>): unknown {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return settingsIn(form, listsOf(BEFORE), BEFORE).loop;
}

describe("the loop's settings", () => {
  it("are sent with the day's limits, an empty one as none", () => {
    const loop = loopOf({ automatic: "on", retrain_after_comparisons: "60", cycles_per_day: "3", promotion: "manual" });
    expect(loop).toMatchObject({
      paused: true,
      retrain_after_comparisons: 60,
      retrain_every_hours: null,
      cycles_per_day: 3,
      compute_minutes_per_day: null,
    });
  });

  it("say how many runs may be at work at once, an empty field as many as there are workers", () => {
    const form = new FormData();
    form.set("runs_at_once", "2");
    expect(settingsIn(form, listsOf(BEFORE), BEFORE)).toMatchObject({ runs_at_once: 2 });
    expect(settingsIn(new FormData(), listsOf(BEFORE), BEFORE)).toMatchObject({ runs_at_once: null });
  });

  it("have no limits when nothing starts by itself", () => {
    expect(loopOf({ cycles_per_day: "3", compute_minutes_per_day: "90" })).toMatchObject({
      retrain_after_comparisons: null,
      cycles_per_day: null,
      compute_minutes_per_day: null,
    });
  });

  it("say who writes, and how many votes blind people are asked for", () => {
    const shares = { writer_live: "4", writer_candidate: "0", writer_reference: "1", writer_older: "0.5" };
    expect(loopOf({ ...shares, promotion: "blind", blind_votes: "120" })).toMatchObject({
      promotion: "blind",
      blind_votes: 120,
      writers: { live: 4, candidate: 0, reference: 1, older: 0.5 },
    });
  });

  it("say how many held-out prompts show a policy's drift, and none is a number too", () => {
    expect(loopOf({ reference_prompts: "48" })).toMatchObject({ reference_prompts: 48 });
    expect(loopOf({ reference_prompts: "0" })).toMatchObject({ reference_prompts: 0 });
  });

  it("say what a judge compares on, and whether its people are its own", () => {
    const judge = { promotion: "judge", judge_prompts: "128" };
    expect(loopOf({ ...judge, judge_people_apart: "on" })).toMatchObject({
      promotion: "judge",
      judge_prompts: 128,
      judge_people_apart: true,
    });
    expect(loopOf(judge)).toMatchObject({ judge_people_apart: false });
  });
});
