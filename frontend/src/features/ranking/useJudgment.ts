import { useCallback, useEffect, useReducer, useState } from "react";

import { saveDraft } from "@/api/desk";
import { hasStatus } from "@/api/problem";
import type { Assignment } from "@/api/types";

import { keepLocally, resume, serverDraft } from "./draft";
import { type Judgment, type Move, reduce } from "./judgment";
import { type AtDesk, usePresence } from "./usePresence";

const SERVER_DRAFT_AFTER_MS = 1_200;
const SIGNED_OUT = 401;

export type DraftState = "none" | "local" | "saved" | "unsafe";

export interface AtWork extends AtDesk {
  judgment: Judgment;
  dispatch: (move: Move) => void;
  key: string;
  isRestored: boolean;
  draft: DraftState;
}

/** A judgment that survives a closed laptop: every change is kept here at once, and on the server soon after. */
export function useJudgment(userId: number, assignment: Assignment, onSignedOut: (error: unknown) => void): AtWork {
  const [start] = useState(() => resume(userId, assignment));
  const [judgment, apply] = useReducer(reduce, start.judgment);
  const [saved, setSaved] = useState<number | null>(null);
  const [isKept, setKept] = useState(true);
  const presence = usePresence(start.counted);
  const { counted, acted } = presence;
  const isChanged = judgment.sequence !== start.judgment.sequence;

  useEffect(() => {
    if (!isChanged) return;
    const kept = keepLocally(userId, assignment.id, { ...start, judgment, counted: counted() });
    void Promise.resolve(kept).then(setKept);
    const timer = setTimeout(() => {
      saveDraft(assignment.id, serverDraft(judgment)).then(
        () => setSaved(judgment.sequence),
        (error: unknown) => {
          console.warn("The draft is kept in this browser; the service did not take it.", error);
          if (hasStatus(error, SIGNED_OUT)) onSignedOut(error);
        },
      );
    }, SERVER_DRAFT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [userId, assignment, start, judgment, isChanged, counted, onSignedOut]);

  const dispatch = useCallback(
    (move: Move) => {
      if (move.type !== "select") acted();
      apply(move);
    },
    [acted],
  );
  const isSaved = saved === judgment.sequence;
  const draft = !isChanged ? "none" : isSaved ? "saved" : isKept ? "local" : "unsafe";
  return { ...presence, judgment, dispatch, key: start.key, isRestored: start.isRestored, draft };
}
