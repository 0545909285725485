import { useEffect, useReducer, useState } from "react";

import { saveDraft } from "@/api/desk";
import type { Assignment } from "@/api/types";

import { keepLocally, resume, serverDraft } from "./draft";
import { type Judgment, type Move, reduce } from "./judgment";
import { useActiveTime } from "./useActiveTime";

const SERVER_DRAFT_AFTER_MS = 1_200;

export type DraftState = "none" | "local" | "saved";

export interface AtWork {
  judgment: Judgment;
  dispatch: (move: Move) => void;
  key: string;
  isRestored: boolean;
  draft: DraftState;
  activeMs: () => number;
}

/** A judgment that survives a closed laptop: every change is kept here at once, and on the server soon after. */
export function useJudgment(userId: number, assignment: Assignment): AtWork {
  const [start] = useState(() => resume(userId, assignment));
  const [judgment, dispatch] = useReducer(reduce, start.judgment);
  const [saved, setSaved] = useState<number | null>(null);
  const activeMs = useActiveTime(start.activeMs);
  const { sequence } = judgment;
  const isChanged = sequence !== start.judgment.sequence;

  useEffect(() => {
    if (!isChanged) return;
    keepLocally(userId, assignment.id, { ...start, judgment, activeMs: activeMs() });
    if (assignment.is_revision) return;
    const timer = setTimeout(() => {
      saveDraft(assignment.id, serverDraft(judgment)).then(
        () => setSaved(judgment.sequence),
        (error: unknown) => console.warn("The draft is kept in this browser; the service did not take it.", error),
      );
    }, SERVER_DRAFT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [userId, assignment, start, judgment, isChanged, activeMs]);

  const draft = !isChanged ? "none" : saved === sequence ? "saved" : "local";
  return { judgment, dispatch, key: start.key, isRestored: start.isRestored, draft, activeMs };
}
