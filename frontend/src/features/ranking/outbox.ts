/** Submitted rankings on their way: kept in this browser until the service has answered, sent in order. */
import { submitRanking } from "@/api/desk";
import { isTemporary } from "@/api/problem";
import type { Assignment, NewRanking, Receipt } from "@/api/types";

import { forget } from "./draft";

export interface Outgoing {
  key: string;
  userId: number;
  assignment: Assignment;
  ranking: NewRanking;
}

export interface OutboxEvents {
  onSent: (sent: Outgoing, receipt: Receipt) => void;
  onRefused: (refused: Outgoing, error: unknown) => void;
  onChange: (waiting: number, isRetrying: boolean) => void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** One at a time, retried for as long as the service does not answer; a refusal is handed back. */
export class Outbox {
  private waiting: Outgoing[];
  private isSending = false;
  private pause = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly slot: string;
  private readonly events: OutboxEvents;

  constructor(userId: number, projectId: number, events: OutboxEvents) {
    this.slot = `plackett.outbox.${userId}.${projectId}`;
    this.events = events;
    this.waiting = this.stored();
  }

  get size(): number {
    return this.waiting.length;
  }

  get assignmentIds(): number[] {
    return this.waiting.map((one) => one.assignment.id);
  }

  holds(assignmentId: number): boolean {
    return this.waiting.some((one) => one.assignment.id === assignmentId);
  }

  add(outgoing: Outgoing): void {
    this.keep([...this.waiting.filter((one) => one.key !== outgoing.key), outgoing]);
    void this.send();
  }

  /** Sends what waits; safe to call at any time. */
  async send(): Promise<void> {
    this.stop();
    const first = this.waiting[0];
    if (this.isSending || first === undefined) return;
    this.isSending = true;
    try {
      const receipt = await submitRanking(first.assignment.id, first.key, first.ranking);
      this.done(first);
      this.events.onSent(first, receipt);
    } catch (error) {
      this.failed(first, error);
    } finally {
      this.isSending = false;
    }
    if (this.timer === undefined) void this.send();
  }

  /** Takes back what has not been handed to the service yet; false when it is too late for that. */
  takeBack(assignmentId: number): boolean {
    const isFirst = this.waiting[0]?.assignment.id === assignmentId;
    if (!this.holds(assignmentId) || (isFirst && this.isSending)) return false;
    this.keep(this.waiting.filter((one) => one.assignment.id !== assignmentId));
    return true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private failed(outgoing: Outgoing, error: unknown): void {
    if (isTemporary(error)) {
      this.events.onChange(this.waiting.length, true);
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void this.send();
      }, this.pause);
      this.pause = Math.min(LONGEST_WAIT_MS, 2 * this.pause);
      return;
    }
    this.keep(this.waiting.filter((one) => one.key !== outgoing.key));
    this.events.onRefused(outgoing, error);
  }

  private done(outgoing: Outgoing): void {
    this.pause = FIRST_WAIT_MS;
    forget(outgoing.userId, outgoing.assignment.id);
    this.keep(this.waiting.filter((one) => one.key !== outgoing.key));
  }

  private keep(waiting: Outgoing[]): void {
    this.waiting = waiting;
    try {
      localStorage.setItem(this.slot, JSON.stringify(waiting));
    } catch (full) {
      console.warn("This browser cannot keep what is on its way; do not close the page before it is sent.", full);
    }
    this.events.onChange(waiting.length, false);
  }

  private stored(): Outgoing[] {
    try {
      return JSON.parse(localStorage.getItem(this.slot) ?? "[]") as Outgoing[];
    } catch (unreadable) {
      console.warn("What was on its way cannot be read; the drafts are still there.", unreadable);
      return [];
    }
  }
}
