import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";

import type { Decision } from "@/api/types";

import { Decisions } from "./Decisions";

afterEach(cleanup);

function decision(id: number, text: string, tone: Decision["tone"] = "neutral"): Decision {
  return { id, text, tone, at: "2026-11-23T10:00:00Z", cycle_id: 1, run_id: null, numbers: {} };
}

function show(...decisions: Decision[]) {
  render(<Decisions decisions={decisions} projectId={7} />);
}

describe("the loop's diary", () => {
  it("sets the outcome of a verdict apart from its reasons", () => {
    show(decision(1, "Reward model 3 not promoted: held-out log loss +0.2 nats; accuracy -3.1 points.", "bad"));
    expect(screen.getByText("Reward model 3 not promoted:").tagName).toBe("STRONG");
    expect(screen.getByRole("listitem").textContent).toContain("promoted: held-out log loss +0.2 nats");
  });

  it.each([
    ["what is no verdict", decision(1, "Reward model 2 judges Policy 1: it is right.")],
    ["a sentence without an outcome", decision(1, "The first completions are there.", "good")],
    ["an outcome as long as a reason", decision(1, `Reward model 1 is trained on ${"much ".repeat(20)}: so.`, "good")],
  ])("leaves %s as it is", (_, one) => {
    show(one);
    expect(screen.getByRole("listitem").textContent).toContain(one.text);
    expect(screen.queryByRole("strong")).toBeNull();
  });

  it("begins with the newest and shows the rest when asked", () => {
    show(...Array.from({ length: 14 }, (_, place) => decision(14 - place, `Decision ${14 - place}.`)));
    expect(screen.getAllByRole("listitem")).toHaveLength(12);
    fireEvent.click(screen.getByRole("button", { name: "Show all 14" }));
    expect(screen.getAllByRole("listitem")).toHaveLength(14);
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("goes on at the first entry that was hidden, and leaves the reader there when a new one comes", () => {
    const all = Array.from({ length: 14 }, (_, place) => decision(14 - place, `Decision ${14 - place}.`));
    const { rerender } = render(<Decisions decisions={all} projectId={7} />);
    screen.getByRole("button").focus();
    fireEvent.click(screen.getByRole("button"));
    const first = screen.getByText("Decision 2.").closest("li");
    expect(document.activeElement).toBe(first);
    rerender(<Decisions decisions={[decision(15, "Decision 15."), ...all]} projectId={7} />);
    expect(document.activeElement).toBe(first);
    (document.activeElement as HTMLElement).blur();
    rerender(<Decisions decisions={[decision(16, "Decision 16."), ...all]} projectId={7} />);
    expect(document.activeElement).toBe(document.body);
  });
});
