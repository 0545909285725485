/** The desk behind the page: the task at hand, the next one, what is on its way, what can be undone. */
import { claimTask, renewLease, reopenTask, skipTask } from "@/api/desk";
import { hasStatus } from "@/api/problem";
import type { Assignment, NewRanking, Receipt, SkipReason, Waiting } from "@/api/types";

import { forget } from "./draft";
import { Outbox } from "./outbox";

const WANTED = 2;
const SKIP_REASON_MS = 6_000;
const UNREACHABLE_RETRY_MS = 5_000;
const FULL_RETRY_MS = 2_000;

export interface Done {
  kind: "submitted" | "skipped";
  assignment: Assignment;
  receipt: Receipt | null;
  /** A skip waits a moment for its reason. */
  isOpen: boolean;
}

export interface DeskState {
  deck: readonly Assignment[];
  waiting: Waiting | null;
  error: unknown;
  unsent: number;
  /** The service does not answer; what is unsent is tried again and again. */
  isRetrying: boolean;
  done: Done | null;
}

type Listener = () => void;

export class Desk {
  private state: DeskState = { deck: [], waiting: null, error: null, unsent: 0, isRetrying: false, done: null };
  private readonly listeners = new Set<Listener>();
  private readonly outbox: Outbox;
  private readonly userId: number;
  private readonly projectId: number;
  private readonly onReceipt: (receipt: Receipt) => void;
  private isClaiming = false;
  private undoWhenSent: number | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private skipTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(userId: number, projectId: number, onReceipt: (receipt: Receipt) => void) {
    this.userId = userId;
    this.projectId = projectId;
    this.onReceipt = onReceipt;
    this.outbox = new Outbox(userId, projectId, {
      onSent: (sent, receipt) => this.sent(sent.assignment, receipt),
      onRefused: (refused, error) => this.refused(refused.assignment, error),
      onChange: (unsent, isRetrying) => this.set({ unsent, isRetrying }),
    });
    this.state = { ...this.state, unsent: this.outbox.size };
  }

  readonly subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly get = (): DeskState => this.state;

  start(): void {
    void this.outbox.send();
    void this.refill();
  }

  stop(): void {
    clearTimeout(this.retryTimer);
    this.outbox.stop();
    this.sendSkip(null);
  }

  /** Keeps two tasks at hand, so that the next one appears without a wait. */
  async refill(): Promise<void> {
    clearTimeout(this.retryTimer);
    if (this.isClaiming || this.state.deck.length >= WANTED) return;
    this.isClaiming = true;
    let again = false;
    try {
      const claim = await claimTask(this.projectId, this.held());
      const isNew = claim.assignment !== null && !this.held().includes(claim.assignment.id);
      if (claim.assignment !== null && isNew) this.set({ deck: [...this.state.deck, claim.assignment] });
      this.set({ waiting: claim.waiting, error: null });
      again = isNew && this.state.deck.length < WANTED;
      if (this.state.deck.length === 0)
        this.retryIn(claim.waiting ? 1000 * claim.waiting.retry_after_s : FULL_RETRY_MS);
    } catch (error) {
      this.set({ error });
      this.retryIn(UNREACHABLE_RETRY_MS);
    } finally {
      this.isClaiming = false;
    }
    if (again) await this.refill();
  }

  submit(assignment: Assignment, key: string, ranking: NewRanking): void {
    this.sendSkip(null);
    this.set({
      deck: this.without(assignment.id),
      done: { kind: "submitted", assignment, receipt: null, isOpen: true },
    });
    this.outbox.add({ key, userId: this.userId, assignment, ranking });
  }

  skip(assignment: Assignment): void {
    this.sendSkip(null);
    this.set({ deck: this.without(assignment.id), done: { kind: "skipped", assignment, receipt: null, isOpen: true } });
    this.skipTimer = setTimeout(() => this.sendSkip(null), SKIP_REASON_MS);
  }

  /** Tells the service about the last skip, once. */
  sendSkip(reason: SkipReason | null): void {
    const { done } = this.state;
    if (done?.kind !== "skipped" || !done.isOpen) return;
    clearTimeout(this.skipTimer);
    this.set({ done: { ...done, isOpen: false } });
    forget(this.userId, done.assignment.id);
    skipTask(done.assignment.id, reason)
      .then(() => this.refill())
      .catch((error: unknown) => this.set({ error }));
  }

  /** Takes back the last submit (it opens as a revision) or the last skip; false when there is none. */
  undo(): boolean {
    const { done } = this.state;
    if (done === null) return false;
    const { assignment } = done;
    if (done.kind === "skipped" && done.isOpen) {
      clearTimeout(this.skipTimer);
      this.putBack(assignment);
    } else if (this.outbox.takeBack(assignment.id)) this.putBack(assignment);
    else if (this.outbox.holds(assignment.id)) this.undoWhenSent = assignment.id;
    else void this.reopen(assignment.id);
    return true;
  }

  /** An earlier judgment back on the desk. */
  async reopen(assignmentId: number): Promise<void> {
    try {
      this.putBack(await reopenTask(assignmentId));
    } catch (error) {
      this.set({ error });
    }
  }

  /** Leaves a revision as it was. */
  putAway(assignment: Assignment): void {
    forget(this.userId, assignment.id);
    this.set({ deck: this.without(assignment.id), done: null });
    void this.refill();
  }

  /** Renews the leases of everything at hand; one that was lost in the meantime is no reason to stop the person. */
  async heartbeat(): Promise<void> {
    await Promise.all(this.state.deck.filter((one) => one.state === "leased").map((one) => this.renew(one)));
  }

  clearError(): void {
    this.set({ error: null });
  }

  private async renew(assignment: Assignment): Promise<void> {
    try {
      const { leased_until } = await renewLease(assignment.id);
      this.set({ deck: this.state.deck.map((one) => (one.id === assignment.id ? { ...one, leased_until } : one)) });
    } catch (error) {
      if (hasStatus(error, 409)) this.lost(assignment);
    }
  }

  /** A task that is only waiting its turn goes; the one at hand stays, since a late submit is kept. */
  private lost(assignment: Assignment): void {
    const isAtHand = this.state.deck[0]?.id === assignment.id;
    const expired: Assignment = { ...assignment, state: "expired", leased_until: null };
    const others = this.without(assignment.id);
    this.set({ deck: isAtHand ? [expired, ...others] : others });
    void this.refill();
  }

  private sent(assignment: Assignment, receipt: Receipt): void {
    const { done } = this.state;
    if (done?.assignment.id === assignment.id) this.set({ done: { ...done, receipt } });
    this.onReceipt(receipt);
    if (this.undoWhenSent === assignment.id) {
      this.undoWhenSent = null;
      void this.reopen(assignment.id);
    } else void this.refill();
  }

  private refused(assignment: Assignment, error: unknown): void {
    this.putBack(assignment);
    this.set({ error });
  }

  private putBack(assignment: Assignment): void {
    this.set({ deck: [assignment, ...this.without(assignment.id)], done: null, error: null });
  }

  private held(): number[] {
    const { done, deck } = this.state;
    const skipped = done?.kind === "skipped" && done.isOpen ? [done.assignment.id] : [];
    return [...deck.map((one) => one.id), ...this.outbox.assignmentIds, ...skipped];
  }

  private without(assignmentId: number): Assignment[] {
    return this.state.deck.filter((one) => one.id !== assignmentId);
  }

  private retryIn(milliseconds: number): void {
    this.retryTimer = setTimeout(() => void this.refill(), milliseconds);
  }

  private set(change: Partial<DeskState>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}
