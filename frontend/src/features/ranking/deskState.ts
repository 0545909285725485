import type { Assignment, NewRanking, Receipt, Waiting } from "@/api/types";

import type { OutboxState } from "./outbox";

export interface Done {
  kind: "submitted" | "skipped";
  assignment: Assignment;
  receipt: Receipt | null;
  /** A skip waits a moment for its reason. */
  isOpen: boolean;
}

/** A practice task that was submitted: its answer is shown before anything else. */
export interface Practised {
  assignment: Assignment;
  ranking: NewRanking;
  receipt: Receipt | null;
}

export interface DeskState extends OutboxState {
  deck: readonly Assignment[];
  waiting: Waiting | null;
  error: unknown;
  done: Done | null;
  practised: Practised | null;
  /** Assignments that other tabs have in front of the person. */
  elsewhere: readonly number[];
  /** The task at hand was finished in another tab. */
  finishedElsewhere: boolean;
}

export const EMPTY_DESK: DeskState = {
  deck: [],
  waiting: null,
  error: null,
  done: null,
  practised: null,
  elsewhere: [],
  finishedElsewhere: false,
  unsent: 0,
  isRetrying: false,
  isSafe: true,
};
