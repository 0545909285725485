import { useState } from "react";

import type { NewRanking } from "@/api/types";

import type { Bench } from "./bench";
import { type Judgment, reduce } from "./judgment";
import { missing } from "./missing";
import { unplaced } from "./ranking";
import { rankingOf, type Shown } from "./shown";
import type { AtWork } from "./useJudgment";

const SETTLES_MS = 400;

interface Submitting {
  /** What is missing, in words; null once the person went on. */
  complaint: string | null;
  /** An order nobody chose: asked about once. */
  asks: boolean;
  submit: () => void;
  submitSame: () => void;
  submitTie: () => void;
  close: () => void;
}

/** The judgment as it would be sent: the last answer without a place goes last, none acceptable without order is a tie. */
function completed(judgment: Judgment): Judgment {
  const open = unplaced(judgment.ranking, judgment.ids).length;
  const ties = judgment.noneAcceptable && judgment.tiesAllowed && open === judgment.ids.length;
  return open === 0 ? judgment : reduce(judgment, { type: ties ? "allEqual" : "finish" });
}

/** From Enter to the outbox, or to what is missing. */
export function useSubmit(
  { assignment }: Bench,
  work: AtWork,
  shown: Shown,
  onSubmit: (key: string, ranking: NewRanking) => void,
): Submitting {
  const [complained, setComplained] = useState<{ about: Judgment; text: string } | null>(null);
  const [asks, setAsks] = useState(false);
  const [cameAt] = useState(() => performance.now());
  const { judgment, counted, key } = work;
  const send = (final: Judgment) => onSubmit(key, rankingOf(assignment, final, counted(), shown));

  const submit = () => {
    // The second half of a double click or of a double Enter belongs to the task before.
    if (work.draft === "none" && performance.now() - cameAt < SETTLES_MS) return;
    if (!judgment.touched) {
      setAsks(true);
      return;
    }
    const final = completed(judgment);
    const lacks = missing(assignment, final);
    if (lacks === null) {
      send(final);
      return;
    }
    setComplained({ about: judgment, text: lacks.text });
    document.querySelector<HTMLElement>(lacks.at)?.focus();
  };
  return {
    complaint: complained?.about === judgment ? complained.text : null,
    asks,
    submit,
    submitSame: () => send(judgment),
    submitTie: () => send({ ...reduce(judgment, { type: "allEqual" }), touched: false, moves: 0 }),
    close: () => setAsks(false),
  };
}
