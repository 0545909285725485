import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import * as api from "@/api/loop";
import type { Cycle, Loop, ModelVersion } from "@/api/types";

import { Candidate } from "./Candidate";
import { WayBack } from "./WayBack";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function model(id: number, name: string): ModelVersion {
  return { id, name, project_id: 7 } as ModelVersion;
}

function show(what: React.ReactNode) {
  render(<QueryClientProvider client={new QueryClient()}>{what}</QueryClientProvider>);
}

describe("the way back", () => {
  it("is one click for each role that had another model before", async () => {
    const asked = vi.spyOn(api, "goBackTo").mockResolvedValue(model(1, "Policy 1"));
    const loop = {
      policy: model(2, "Policy 2"),
      policy_before: model(1, "Policy 1"),
      reward_model: model(3, "Reward model 1"),
      reward_model_before: null,
    } as unknown as Loop;
    show(<WayBack loop={loop} projectId={7} />);
    expect(screen.getAllByRole("button")).toHaveLength(1);
    fireEvent.click(screen.getByRole("button", { name: "Go back to Policy 1" }));
    await waitFor(() => expect(asked).toHaveBeenCalledWith(7, 1));
  });

  it("is not there when there is nothing to go back to", () => {
    const loop = { policy: model(2, "tiny"), policy_before: null, reward_model: null, reward_model_before: null };
    show(<WayBack loop={loop as unknown as Loop} projectId={7} />);
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("what waits for a person", () => {
  it.each([
    ["reward", "Not enough judgments"],
    ["promotion", "it writes the next completions"],
  ])("is explained by the stage %s", (stage, words) => {
    show(<Candidate cycle={{ id: 1, stage } as Cycle} model={model(4, "It")} projectId={7} />);
    expect(screen.getByRole("status").textContent).toContain(words);
  });
});
