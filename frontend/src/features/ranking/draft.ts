/** Drafts: in this browser first, then on the server. Each also keeps its judgment's idempotency key until the answer. */
import { newKey } from "@/api/keys";
import type { Assignment, Draft } from "@/api/types";

import { type Judgment, newJudgment, restored, type Said, saidIn } from "./judgment";
import { type Counted, NOTHING_COUNTED } from "./presence";

interface StoredDraft extends Said {
  places: number[][];
  sequence: number;
  key: string;
  moves: number;
  touched: boolean;
  counted: Counted;
}

function slot(userId: number, assignmentId: number): string {
  return `plackett.draft.${userId}.${assignmentId}`;
}

function read(userId: number, assignmentId: number): StoredDraft | null {
  try {
    const text = localStorage.getItem(slot(userId, assignmentId));
    return text === null ? null : (JSON.parse(text) as StoredDraft);
  } catch (unreadable) {
    console.warn("A draft in this browser cannot be read; the server's is used.", unreadable);
    return null;
  }
}

function write(userId: number, assignmentId: number, draft: StoredDraft): boolean {
  try {
    localStorage.setItem(slot(userId, assignmentId), JSON.stringify(draft));
    return true;
  } catch (full) {
    console.warn("This browser keeps no drafts; the server does.", full);
    return false;
  }
}

/** Whether the draft is now kept in this browser; a full or forbidden storage leaves it to the server. */
export function keepLocally(userId: number, assignmentId: number, work: Work): boolean {
  const { judgment, key, counted } = work;
  const { sequence, moves, touched, rationale } = judgment;
  const places = judgment.ranking.places.map((place) => [...place]);
  return write(userId, assignmentId, {
    ...saidIn(judgment),
    rationale,
    places,
    sequence,
    key,
    moves,
    touched,
    counted,
  });
}

export function forget(userId: number, assignmentId: number): void {
  localStorage.removeItem(slot(userId, assignmentId));
}

/** Gives the draft another idempotency key: the next submit is another request. */
export function renewKey(userId: number, assignmentId: number): void {
  const draft = read(userId, assignmentId);
  if (draft !== null) write(userId, assignmentId, { ...draft, key: newKey() });
}

export function serverDraft(judgment: Judgment): Draft {
  return { ...saidIn(judgment), sequence: Math.max(1, judgment.sequence) };
}

export interface Work {
  judgment: Judgment;
  key: string;
  counted: Counted;
  /** What was there before this visit, so that the page can say so. */
  isRestored: boolean;
}

/** Where the person left off: the newer of the two drafts, else the ranking to revise, else nothing. */
export function resume(userId: number, assignment: Assignment): Work {
  const ids = assignment.completions.map((card) => card.id);
  const fresh = newJudgment(ids, assignment.form.ties_allowed);
  const local = read(userId, assignment.id);
  const remote = assignment.draft;
  if (local !== null && local.sequence >= assignment.draft_sequence) return fromLocal(fresh, local);
  const said = remote ?? assignment.previous;
  const start = { key: newKey(), counted: NOTHING_COUNTED };
  if (said === null)
    return { ...start, judgment: { ...fresh, sequence: assignment.draft_sequence }, isRestored: false };
  const judgment = restored(fresh, { ...said, rationale: said.rationale ?? null });
  const sequence = assignment.draft_sequence;
  return {
    ...start,
    judgment: { ...judgment, sequence, touched: remote !== null },
    isRestored: remote !== null && remote.tiers.length > 0,
  };
}

function fromLocal(fresh: Judgment, local: StoredDraft): Work {
  const judgment = restored(fresh, local, local.places);
  const { sequence, moves, touched, key, counted } = local;
  const isRestored = touched && (local.tiers.length > 0 || local.rationale !== "");
  return { judgment: { ...judgment, sequence, moves, touched }, key, counted, isRestored };
}
