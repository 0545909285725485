/** A text in the making: in this browser first, then on the server, with the idempotency key of its submit. */
import { newKey } from "@/api/keys";
import type { WritingAssignment } from "@/api/types";

export interface Text {
  text: string;
  sequence: number;
  key: string;
  activeMs: number;
}

function slot(userId: number, assignmentId: number): string {
  return `plackett.draft.${userId}.${assignmentId}`;
}

function read(userId: number, assignmentId: number): Text | null {
  try {
    const kept = localStorage.getItem(slot(userId, assignmentId));
    return kept === null ? null : (JSON.parse(kept) as Text);
  } catch (unreadable) {
    console.warn("A draft in this browser cannot be read; the server's is used.", unreadable);
    return null;
  }
}

/** Whether the text is now kept in this browser. */
export function keepText(userId: number, assignmentId: number, text: Text): boolean {
  try {
    localStorage.setItem(slot(userId, assignmentId), JSON.stringify(text));
    return true;
  } catch (full) {
    console.warn("This browser keeps no drafts; the server does.", full);
    return false;
  }
}

/** Where the person left off: the newer of the two drafts, else an empty page. */
export function resumeText(userId: number, { id, draft, draft_sequence: sequence }: WritingAssignment): Text {
  const local = read(userId, id);
  if (local !== null && local.sequence >= sequence) return local;
  return { text: draft?.text ?? "", sequence, key: newKey(), activeMs: 0 };
}
