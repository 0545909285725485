import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { loopQuery } from "@/api/loop";
import type { Loop } from "@/api/types";

import { LoopPage } from "./LoopPage";

// What has pictures, queries or links of its own is looked at elsewhere.
vi.mock("./Picture", () => ({ Picture: () => null }));
vi.mock("./Blind", () => ({ Blind: () => null }));

afterEach(cleanup);

const LOOP = {
  cycle: null,
  policy: null,
  policy_before: null,
  reward_model: null,
  reward_model_before: null,
  active_runs: [],
  decisions: [],
  comparisons: { new: 3 },
  next: { text: "After 57 more comparisons.", comparisons_needed: 57 },
  settings: { paused: false, retrain_after_comparisons: 60 },
} as unknown as Loop;

it("says what is under way and what comes next before the long diary, which one column has to show in this order", () => {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(loopQuery(7).queryKey, LOOP);
  render(
    <QueryClientProvider client={queries}>
      <LoopPage projectId={7} projectName="Seven" role="admin" />
    </QueryClientProvider>,
  );
  const titles = screen.getAllByRole("heading", { level: 2 }).map((heading) => heading.textContent);
  expect(titles.slice(0, 3)).toEqual(["Now", "What comes next", "What the loop decided"]);
});
