import { expect, it } from "vitest";

import { NO_STORY, told } from "./useRunStory";

it("collects figures by name, and replaces those that a resumed run reports again", () => {
  const metric = (seq: number, step: number, loss: number) =>
    ({ seq, event: { type: "metric", data: { step, metrics: { loss } } } }) as const;
  const story = [metric(1, 1, 0.9), metric(2, 2, 0.8), metric(3, 3, 0.7), metric(4, 2, 0.6)].reduce(told, NO_STORY);
  expect(story.series.loss).toEqual([
    [1, 0.9],
    [2, 0.6],
  ]);
});

it("takes each event once, however often the stream brings it", () => {
  const line = { seq: 5, event: { type: "log", data: { level: "warning", text: "one cut" } } } as const;
  expect([line, line].reduce(told, NO_STORY).log).toHaveLength(1);
});
