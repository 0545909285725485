import { useReducer } from "react";

import type { Assignment } from "@/api/types";
import type { Bench } from "@/features/ranking/bench";
import { newJudgment, reduce } from "@/features/ranking/judgment";
import { useBench } from "@/features/ranking/useBench";
import type { AtWork } from "@/features/ranking/useJudgment";

const NOBODY_WATCHES: Pick<AtWork, "watch"> = { watch: () => () => undefined };

/** The desk's own state for a task that nobody was given: nothing is kept, sent or timed. Returns it and its words. */
export function useTrial(assignment: Assignment): [Bench, string] {
  const [judgment, dispatch] = useReducer(reduce, assignment, ({ completions, form }) =>
    newJudgment(
      completions.map((card) => card.id),
      form.ties_allowed,
    ),
  );
  return useBench(assignment, { ...NOBODY_WATCHES, judgment, dispatch });
}
