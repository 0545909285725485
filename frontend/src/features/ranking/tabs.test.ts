import { BroadcastChannel } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

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

describe("where the browser tells which tabs are open", () => {
  const PLACE = "plackett.desk.7.1.";
  let held: Set<string>;

  beforeEach(() => {
    held = new Set();
    vi.stubGlobal("navigator", {
      locks: {
        query: () => Promise.resolve({ held: [...held].map((name) => ({ name })) }),
        request: async (name: string, work: () => Promise<void>) => {
          held.add(name);
          await work();
          held.delete(name);
        },
      },
    });
  });

  it("waits for the answer of a slow one", async () => {
    held.add(`${PLACE}slow`);
    const slow = new BroadcastChannel(PLACE.slice(0, -1));
    const answer = { from: "slow", word: { type: "at-hand", id: 11 } };
    slow.onmessage = () => setTimeout(() => slow.postMessage(answer), 400);
    const { tabs } = await tab();
    expect(tabs.elsewhere).toEqual([11]);
    slow.close();
  });

  it("does not wait for ever for one that never answers", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    held.add(`${PLACE}frozen`);
    const joined = tab();
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await joined).tabs.elsewhere).toEqual([]);
    vi.useRealTimers();
  });

  it("stops waiting as it leaves, and says that it is not there any more", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    held.add(`${PLACE}frozen`);
    const tabs = new Tabs(7, 1, () => undefined);
    const joined = tabs.join();
    await vi.advanceTimersByTimeAsync(100);
    tabs.leave();
    expect(await joined).toBe(false);
    vi.useRealTimers();
  });

  it("waits for nobody who is alone, and gives its own place up as it leaves", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const { tabs } = await tab();
    vi.useRealTimers();
    expect([...held]).toEqual([expect.stringMatching(/^plackett\.desk\.7\.1\../)]);
    tabs.leave();
    await vi.waitFor(() => expect(held.size).toBe(0));
  });
});
