import { BroadcastChannel } from "node:worker_threads";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Tabs, type Word } from "./tabs";

const open: Tabs[] = [];

async function tab(userId = 7): Promise<{ tabs: Tabs; heard: Word[] }> {
  const heard: Word[] = [];
  const tabs = new Tabs(userId, 1, (word) => heard.push(word));
  open.push(tabs);
  await tabs.join();
  return { tabs, heard };
}

beforeEach(() => vi.stubGlobal("BroadcastChannel", BroadcastChannel));

afterEach(() => {
  open.splice(0).forEach((tabs) => tabs.leave());
  vi.unstubAllGlobals();
});

it("know what the others have in front of the person, also those that came before", async () => {
  const first = await tab();
  first.tabs.show(11);
  const second = await tab();
  expect(second.tabs.elsewhere).toEqual([11]);
  second.tabs.show(12);
  await vi.waitFor(() => expect(first.tabs.elsewhere).toEqual([12]));
  second.tabs.leave();
  await vi.waitFor(() => expect(first.tabs.elsewhere).toEqual([]));
});

it("hear about finished tasks, but not about another person's", async () => {
  const [one, other, stranger] = [await tab(), await tab(), await tab(8)];
  one.tabs.say({ type: "left", assignmentId: 11 });
  await vi.waitFor(() => expect(other.heard).toContainEqual({ type: "left", assignmentId: 11 }));
  expect(stranger.heard.some((word) => word.type === "left")).toBe(false);
});
