import { useCallback, useMemo, useState } from "react";

import type { Assignment } from "@/api/types";

import type { Bench } from "./bench";
import { type Move, reduce } from "./judgment";
import type { CardId } from "./ranking";
import type { AtWork } from "./useJudgment";
import { wordsFor } from "./words";

/** The judgment with its letters, and every move said aloud. */
export function useBench(
  assignment: Assignment,
  { judgment, dispatch, watch }: Pick<AtWork, "judgment" | "dispatch" | "watch">,
): [Bench, string] {
  const [words, setWords] = useState("");
  const [flagsOf, openFlags] = useState<CardId | null>(null);
  const letterOf = useCallback(
    (id: number) => assignment.completions.find((card) => card.id === id)?.letter ?? "",
    [assignment],
  );
  const act = useCallback(
    (move: Move) => {
      const said = wordsFor(judgment, reduce(judgment, move), move, letterOf);
      // The same words twice are only read out twice when they differ: a space at the end does it.
      if (said !== "") setWords((last) => (last === said ? `${said} ` : said));
      dispatch(move);
    },
    [judgment, dispatch, letterOf],
  );
  const bench = useMemo(
    () => ({ assignment, judgment, act, letterOf, watch, flagsOf, openFlags }),
    [assignment, judgment, act, letterOf, watch, flagsOf],
  );
  return [bench, words];
}
