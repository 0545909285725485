import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ProblemError } from "@/api/problem";

import { Outbox, type Outgoing, type OutboxState } from "./outbox";

type Sent = Outgoing<{ id: number }, string>;

function problem(status: number, type = "x"): ProblemError {
  return new ProblemError({ type, title: "x", status, detail: "x" });
}

function outgoing(id: number, key = `key-${id}`): Sent {
  return { key, userId: 7, assignment: { id }, body: `text ${id}`, at: id };
}

const submit = vi.fn<(one: Sent) => Promise<string>>();

/** An outbox as one tab has it, with what it told. */
function tab() {
  const told = { sent: [] as number[], refused: [] as number[], signedOut: 0, states: [] as OutboxState[] };
  const box = new Outbox<{ id: number }, string, string>("outbox.7.1", {
    submit,
    onSent: ({ assignment }) => told.sent.push(assignment.id),
    onRefused: ({ assignment }) => told.refused.push(assignment.id),
    onSignedOut: () => (told.signedOut += 1),
    onChange: (state) => told.states.push(state),
  });
  return { box, told };
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  submit.mockReset().mockResolvedValue("ok");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the outbox", () => {
  it("sends in the order of submitting, one at a time", async () => {
    const { box, told } = tab();
    box.add(outgoing(1));
    box.add(outgoing(2));
    await vi.waitFor(() => expect(told.sent).toEqual([1, 2]));
    expect(localStorage).toHaveLength(0);
  });

  it("never overwrites what another tab keeps", async () => {
    submit.mockRejectedValue(problem(0));
    const [first, second] = [tab(), tab()];
    first.box.add(outgoing(1));
    second.box.add(outgoing(2));
    await vi.waitFor(() => expect(second.told.states.at(-1)).toMatchObject({ unsent: 2, isRetrying: true }));
    expect(tab().box.assignmentIds).toEqual([1, 2]);
  });

  it("keeps everything while the session is over, and sends it afterwards", async () => {
    submit.mockRejectedValueOnce(problem(401));
    const before = tab();
    before.box.add(outgoing(1));
    await vi.waitFor(() => expect(before.told.signedOut).toBe(1));
    before.box.stop();
    const after = tab();
    after.box.start();
    await vi.waitFor(() => expect(after.told.sent).toEqual([1]));
    expect(before.told.refused).toEqual([]);
  });

  it("waits for its own first request, which is still in progress", async () => {
    submit.mockRejectedValueOnce(problem(409, "idempotency-in-progress"));
    const { box, told } = tab();
    box.add(outgoing(1));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(told).toMatchObject({ sent: [1], refused: [] });
  });

  it("takes another key where its own was used for something else", async () => {
    submit.mockRejectedValueOnce(problem(422, "idempotency-key-reused"));
    const { box, told } = tab();
    box.add(outgoing(1));
    await vi.waitFor(() => expect(told.sent).toEqual([1]));
    const keys = submit.mock.calls.map(([one]) => one.key);
    expect(keys[0]).toBe("key-1");
    expect(keys[1]).not.toBe("key-1");
  });

  it("hands back what is refused, and only that", async () => {
    submit.mockRejectedValueOnce(problem(422));
    const { box, told } = tab();
    box.add(outgoing(1));
    box.add(outgoing(2));
    await vi.waitFor(() => expect(told).toMatchObject({ refused: [1], sent: [2] }));
  });

  it("gives back what was tried in vain, under another key next time", async () => {
    submit.mockRejectedValue(problem(0));
    localStorage.setItem("plackett.draft.7.1", JSON.stringify({ key: "key-1", text: "kept" }));
    const { box, told } = tab();
    box.add(outgoing(1));
    await vi.waitFor(() => expect(told.states.at(-1)?.isRetrying).toBe(true));
    expect(box.takeBack(1)).toBe(true);
    expect(told.states.at(-1)).toMatchObject({ unsent: 0, isRetrying: false });
    const draft = JSON.parse(localStorage.getItem("plackett.draft.7.1") ?? "{}") as { key: string; text: string };
    expect(draft.text).toBe("kept");
    expect(draft.key).not.toBe("key-1");
  });

  it("says so when the browser's storage is full, and sends all the same", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    submit.mockRejectedValueOnce(problem(503));
    const { box, told } = tab();
    box.add(outgoing(1));
    expect(told.states[0]).toMatchObject({ unsent: 1, isSafe: false });
    await vi.advanceTimersByTimeAsync(1_100);
    expect(told.sent).toEqual([1]);
    expect(told.states.at(-1)).toMatchObject({ unsent: 0, isSafe: true });
  });
});
