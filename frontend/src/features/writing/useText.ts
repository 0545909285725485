import { useEffect, useState } from "react";

import { hasStatus } from "@/api/problem";
import type { WritingAssignment } from "@/api/types";
import { saveText } from "@/api/writing";
import type { DraftState } from "@/features/ranking/useJudgment";
import { NOTHING_COUNTED } from "@/features/ranking/presence";
import { usePresence } from "@/features/ranking/usePresence";

import { keepText, resumeText } from "./text";

const SERVER_DRAFT_AFTER_MS = 1_200;
const SIGNED_OUT = 401;

export interface Writing {
  text: string;
  write: (text: string) => void;
  key: string;
  draft: DraftState;
  isRestored: boolean;
  activeMs: () => number;
}

/** A text that survives a closed laptop. */
export function useText(userId: number, assignment: WritingAssignment, onSignedOut: (error: unknown) => void): Writing {
  const [start] = useState(() => resumeText(userId, assignment));
  const [now, setNow] = useState({ text: start.text, sequence: start.sequence });
  const [saved, setSaved] = useState<number | null>(null);
  const [isKept, setKept] = useState(true);
  const { counted } = usePresence({ ...NOTHING_COUNTED, activeMs: start.activeMs });
  const isChanged = now.sequence !== start.sequence;

  useEffect(() => {
    if (!isChanged) return;
    const kept = keepText(userId, assignment.id, { ...now, key: start.key, activeMs: counted().activeMs });
    void Promise.resolve(kept).then(setKept);
    const timer = setTimeout(() => {
      saveText(assignment.id, now.text, now.sequence).then(
        () => setSaved(now.sequence),
        (error: unknown) => {
          console.warn("The draft is kept in this browser; the service did not take it.", error);
          if (hasStatus(error, SIGNED_OUT)) onSignedOut(error);
        },
      );
    }, SERVER_DRAFT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [userId, assignment.id, start.key, now, isChanged, counted, onSignedOut]);

  const draft = !isChanged ? "none" : saved === now.sequence ? "saved" : isKept ? "local" : "unsafe";
  return {
    text: now.text,
    write: (text) => setNow((before) => ({ text, sequence: before.sequence + 1 })),
    key: start.key,
    draft,
    isRestored: start.text !== "",
    activeMs: () => Math.round(counted().activeMs),
  };
}
