import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import * as api from "@/api/desk";
import { ProblemError } from "@/api/problem";
import type { Assignment, NewRanking, Receipt } from "@/api/types";

import { Desk } from "./desk";

vi.mock("@/api/desk");

const RANKING: NewRanking = {
  tiers: [[1], [2]],
  ratings: {},
  flags: {},
  rationale: null,
  none_acceptable: false,
  presentation: { client: {}, differences_shown: false },
  touched: true,
  moves: 2,
  active_ms: 9,
};
const RECEIPT = { ranking_id: 1, revision: 1, extra: false, comparisons: 1 } as Receipt;

function task(id: number, change: Partial<Assignment> = {}): Assignment {
  return {
    id,
    task_id: id,
    project_id: 1,
    state: "leased",
    leased_until: null,
    is_revision: false,
    ...change,
  } as Assignment;
}

function problem(status: number): ProblemError {
  return new ProblemError({ type: "x", title: "x", status, detail: "x" });
}

function atHand(desk: Desk): number[] {
  return desk.get().deck.map((one) => one.id);
}

const open: Desk[] = [];

async function started(...ids: number[]): Promise<Desk> {
  for (const id of ids) vi.mocked(api.claimTask).mockResolvedValueOnce({ assignment: task(id), waiting: null });
  const desk = new Desk(7, 1, () => undefined);
  open.push(desk);
  desk.start();
  await vi.waitFor(() => expect(atHand(desk)).toHaveLength(Math.min(2, ids.length)));
  return desk;
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  vi.mocked(api.claimTask).mockResolvedValue({ assignment: null, waiting: null });
  vi.mocked(api.submitRanking).mockResolvedValue(RECEIPT);
  vi.mocked(api.skipTask).mockResolvedValue(undefined);
});

afterEach(() => {
  // A desk left open is another tab to the next test's, with a task at hand.
  open.splice(0).forEach((desk) => desk.stop());
  vi.useRealTimers();
  vi.resetAllMocks();
});

describe("the desk", () => {
  it("holds two tasks, so that the next one is there at once", async () => {
    const desk = await started(11, 12, 13);
    desk.submit(task(11), "key-of-eleven-11", RANKING);
    expect(atHand(desk)).toEqual([12]);
    await vi.waitFor(() => expect(atHand(desk)).toEqual([12, 13]));
    expect(vi.mocked(api.claimTask).mock.calls.map(([, holding]) => holding)).toEqual([[], [11], [12]]);
  });

  it("sends a ranking again with the same key until it is answered", async () => {
    const desk = await started(11, 12);
    vi.mocked(api.submitRanking).mockRejectedValueOnce(problem(0)).mockRejectedValueOnce(problem(503));
    desk.submit(task(11), "key-of-eleven-11", RANKING);
    await vi.waitFor(() => expect(desk.get()).toMatchObject({ unsent: 1, isRetrying: true }));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(desk.get()).toMatchObject({ unsent: 0, isRetrying: false });
    expect(vi.mocked(api.submitRanking).mock.calls.map(([id, key]) => [id, key])).toEqual(
      Array.from({ length: 3 }, () => [11, "key-of-eleven-11"]),
    );
  });

  it("sends what an earlier visit left behind", async () => {
    vi.mocked(api.submitRanking).mockRejectedValue(problem(0));
    const first = await started(11, 12);
    first.submit(task(11), "key-of-eleven-11", RANKING);
    await vi.waitFor(() => expect(first.get().unsent).toBe(1));
    first.stop();
    vi.mocked(api.submitRanking).mockResolvedValue(RECEIPT);
    const second = await started(12);
    await vi.waitFor(() => expect(second.get().unsent).toBe(0));
    expect(vi.mocked(api.submitRanking).mock.lastCall?.[1]).toBe("key-of-eleven-11");
  });

  it("puts a refused ranking back on the desk and says why", async () => {
    const desk = await started(11, 12);
    vi.mocked(api.submitRanking).mockRejectedValueOnce(problem(422));
    desk.submit(task(11), "key-of-eleven-11", RANKING);
    await vi.waitFor(() => expect(atHand(desk)).toEqual([11, 12]));
    expect(desk.get().error).toBeInstanceOf(ProblemError);
  });

  it("undoes a ranking that is not sent yet without asking the service", async () => {
    const desk = await started(11, 12);
    vi.mocked(api.submitRanking).mockRejectedValueOnce(problem(0));
    desk.submit(task(11), "key-of-eleven-11", RANKING);
    await vi.waitFor(() => expect(desk.get().isRetrying).toBe(true));
    expect(desk.undo()).toBe(true);
    expect(atHand(desk)).toEqual([11, 12]);
    expect(api.reopenTask).not.toHaveBeenCalled();
  });

  it("undoes a sent ranking by opening it again", async () => {
    const desk = await started(11, 12);
    vi.mocked(api.reopenTask).mockResolvedValue(task(11, { state: "submitted", is_revision: true }));
    desk.submit(task(11), "key-of-eleven-11", RANKING);
    await vi.waitFor(() => expect(desk.get().done?.receipt).toEqual(RECEIPT));
    desk.undo();
    await vi.waitFor(() => expect(atHand(desk)[0]).toBe(11));
    expect(desk.undo()).toBe(false);
  });

  it("waits a moment for a skip's reason, and sends it once", async () => {
    const desk = await started(11, 12);
    desk.skip(task(11));
    expect(atHand(desk)).toEqual([12]);
    desk.sendSkip("unclear");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(vi.mocked(api.skipTask).mock.calls).toEqual([[11, "unclear"]]);
  });

  it("undoes a skip before anybody heard of it", async () => {
    const desk = await started(11, 12);
    desk.skip(task(11));
    desk.undo();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(atHand(desk)).toEqual([11, 12]);
    expect(api.skipTask).not.toHaveBeenCalled();
  });

  it("keeps the task at hand when its lease is lost, and lets go of the next one", async () => {
    const desk = await started(11, 12);
    vi.mocked(api.renewLease).mockRejectedValue(problem(409));
    await desk.heartbeat();
    expect(desk.get().deck).toMatchObject([{ id: 11, state: "expired" }]);
  });

  it("looks again by itself while there is nothing to do", async () => {
    const waiting = { reason: "writing", text: "…", retry_after_s: 3, run: null } as const;
    vi.mocked(api.claimTask).mockResolvedValueOnce({ assignment: null, waiting });
    const desk = await started();
    await vi.waitFor(() => expect(desk.get().waiting).toEqual(waiting));
    vi.mocked(api.claimTask).mockResolvedValueOnce({ assignment: task(21), waiting: null });
    await vi.advanceTimersByTimeAsync(3_100);
    expect(atHand(desk)).toEqual([21]);
  });
});
