import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import * as blind from "@/api/blind";
import type { BlindComparison, ModelVersion } from "@/api/types";
import { WinRate } from "@/components/WinRate";
import { verdictOf } from "@/components/votes";

import { AskBlindly } from "./AskBlindly";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function model(id: number, kind: ModelVersion["kind"], stage: ModelVersion["stage"]): ModelVersion {
  return { id, kind, stage, name: `${kind} ${id}`, artifact: { sha256: "a", bytes: 1 } } as ModelVersion;
}

function show(what: React.ReactNode, models: ModelVersion[]) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  client.setQueryData(["models", 7], { items: models });
  render(<QueryClientProvider client={client}>{what}</QueryClientProvider>);
}

describe("asking blind people", () => {
  it("offers versions that write, against the live one", async () => {
    const asked = vi.spyOn(blind, "askBlindly").mockResolvedValue({} as BlindComparison);
    const models = [model(1, "base", "live"), model(2, "reward", "live"), model(3, "policy", "candidate")];
    show(<AskBlindly projectId={7} liveId={1} />, models);
    const options = screen.getAllByRole("option").map((one) => one.textContent);
    expect(options).toEqual(["policy 3", "base 1 (live)", "policy 3"]);
    fireEvent.change(screen.getByLabelText("Held-out prompts, at most"), { target: { value: "40" } });
    fireEvent.click(screen.getByRole("button", { name: "Ask people" }));
    await waitFor(() =>
      expect(asked).toHaveBeenCalledWith(7, expect.any(String), { candidate_id: 3, rival_id: 1, prompts: 40 }),
    );
  });

  it("says so when there is nothing to compare", () => {
    show(<AskBlindly projectId={7} liveId={1} />, [model(1, "base", "live")]);
    expect(screen.queryByRole("button")).toBeNull();
    expect(screen.getByText(/nothing to compare yet/).textContent).toContain("live model");
  });
});

describe("where a comparison stands", () => {
  const open = { state: "open", verdict: null, wins: 12, losses: 3, ties: 1, identical: 2, needed: 40 };
  const comparison = { ...open, most_by_one: 5, most_share: 0.5 } as BlindComparison;

  it("says how many votes are missing", () => {
    expect(verdictOf(comparison)).toBe(
      "Collecting votes · 12 wins · 3 losses · 1 tie · 2 prompts answered alike · About 40 more votes if they go on like this.",
    );
  });

  it("says that one person alone is no verdict", () => {
    expect(verdictOf({ ...comparison, most_by_one: 9 })).toContain(
      "One person cast 9 of the 15 decided votes; a verdict may rest on one person for 50 % at most.",
    );
  });

  it("misses nothing once it has its verdict, in the page's language", () => {
    expect(verdictOf({ ...comparison, state: "finished", verdict: "better", identical: 0 })).toBe(
      "Better · 12 wins · 3 losses · 1 tie",
    );
  });
});

describe("the win rate", () => {
  it("stands with its confidence sequence, and not before the first decided vote", () => {
    const comparison = { share: 34 / 46, low: 0.5044, high: 0.9058, error: 0.05 } as BlindComparison;
    const { rerender } = render(<WinRate comparison={comparison} />);
    expect(screen.getByText(/Win rate/).textContent).toBe(
      "Win rate 0.74 of the decided votes, 95 % confidence sequence 0.504–0.906",
    );
    rerender(<WinRate comparison={{ ...comparison, share: null }} />);
    expect(screen.queryByText(/Win rate/)).toBeNull();
  });
});
