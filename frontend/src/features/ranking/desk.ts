/** The desk behind the page: the task at hand, the next one, what is on its way, what can be undone. */
import { claimTask, reopenTask, skipTask, submitRanking } from "@/api/desk";
import { problemOf, ProblemError } from "@/api/problem";
import type { Assignment, Claim, NewRanking, Receipt, SkipReason } from "@/api/types";

import { type DeskState, EMPTY_DESK } from "./deskState";
import { forget } from "./draft";
import { withNewLease } from "./lease";
import { Outbox } from "./outbox";
import { Tabs, type Word } from "./tabs";

const WANTED = 2;
const SKIP_REASON_MS = 6_000;
const UNREACHABLE_RETRY_MS = 5_000;
const FULL_RETRY_MS = 2_000;

type Listener = () => void;

export class Desk {
  private state: DeskState;
  private readonly listeners = new Set<Listener>();
  private readonly outbox: Outbox<Assignment, NewRanking, Receipt>;
  private readonly tabs: Tabs;
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
    this.outbox = new Outbox(`outbox.${userId}.${projectId}`, {
      submit: ({ assignment, key, body }) => submitRanking(assignment.id, key, body),
      onSent: (sent, receipt) => this.sent(sent.assignment.id, receipt, true),
      onRefused: ({ assignment }, error) => this.refused(assignment, error),
      onSignedOut: this.failed,
      onChange: (outbox) => this.outboxChanged(outbox),
    });
    this.tabs = new Tabs(userId, projectId, (word) => this.heard(word));
    this.state = { ...EMPTY_DESK, ...this.outbox.state };
  }

  readonly subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly get = (): DeskState => this.state;

  /** A request failed, the desk's own or one of the page's. */
  readonly failed = (error: unknown): void => this.set({ error });

  start(): void {
    this.outbox.start();
    void this.tabs.join().then((isHere) => (isHere ? this.refill() : undefined));
  }

  stop(): void {
    clearTimeout(this.retryTimer);
    this.outbox.stop();
    this.sendSkip(null);
    this.tabs.leave();
  }

  /** Keeps two tasks at hand, so that the next one appears without a wait. */
  async refill(): Promise<void> {
    clearTimeout(this.retryTimer);
    if (this.isClaiming || this.state.deck.length >= WANTED) return;
    this.isClaiming = true;
    let again = false;
    let pause: number | null = null;
    try {
      const { assignment, waiting } = await this.claim();
      const isNew = assignment !== null && !this.held().includes(assignment.id);
      this.set({ waiting, error: null, deck: isNew ? [...this.state.deck, assignment] : this.state.deck });
      again = isNew && this.state.deck.length < WANTED;
      if (this.state.deck.length === 0) pause = waiting ? 1000 * waiting.retry_after_s : FULL_RETRY_MS;
    } catch (error) {
      this.set({ error });
      pause = UNREACHABLE_RETRY_MS;
    } finally {
      this.isClaiming = false;
    }
    if (pause !== null) this.retryTimer = setTimeout(() => void this.refill(), pause);
    if (again) await this.refill();
  }

  submit(assignment: Assignment, key: string, ranking: NewRanking): void {
    this.sendSkip(null);
    const isPractice = assignment.purpose === "practice";
    this.set({
      deck: this.without(assignment.id),
      done: isPractice ? null : { kind: "submitted", assignment, receipt: null, isOpen: true },
      practised: isPractice ? { assignment, ranking, receipt: null } : null,
      finishedElsewhere: false,
    });
    this.tabs.say({ type: "left", assignmentId: assignment.id });
    this.outbox.add({ key, userId: this.userId, assignment, body: ranking, at: Date.now() });
    if (this.state.deck.length === 0) void this.refill();
  }

  skip(assignment: Assignment): void {
    this.sendSkip(null);
    const done = { kind: "skipped", assignment, receipt: null, isOpen: true } as const;
    this.set({ deck: this.without(assignment.id), done, finishedElsewhere: false });
    this.skipTimer = setTimeout(() => this.sendSkip(null), SKIP_REASON_MS);
  }

  /** Tells the service about the last skip, once. */
  sendSkip(reason: SkipReason | null): void {
    const { done } = this.state;
    if (done?.kind !== "skipped" || !done.isOpen) return;
    clearTimeout(this.skipTimer);
    this.set({ done: { ...done, isOpen: false } });
    forget(this.userId, done.assignment.id);
    this.tabs.say({ type: "left", assignmentId: done.assignment.id });
    skipTask(done.assignment.id, reason)
      .then(() => this.refill())
      .catch(this.failed);
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

  /** Goes on after a practice task's answer was read. */
  goOn(): void {
    this.set({ practised: null });
    void this.refill();
  }

  /** Renews the leases of everything at hand; one that was lost in the meantime is no reason to stop the person. */
  async heartbeat(): Promise<void> {
    const leased = this.state.deck.filter((one) => one.state === "leased");
    const renewal = (one: Assignment) => withNewLease(one).then((renewed) => this.renewed(renewed), this.failed);
    await Promise.all(leased.map(renewal));
  }

  /** What another tab has in front of the person is taken only when there is no other task. */
  private async claim(): Promise<Claim> {
    const others = this.state.deck.length === 0 ? this.tabs.elsewhere : [];
    const claim = await claimTask(this.projectId, [...this.held(), ...others]);
    return claim.assignment === null && others.length > 0 ? claimTask(this.projectId, this.held()) : claim;
  }

  /** A task that is only waiting its turn goes with its lease; the one at hand stays, since a late submit is kept. */
  private renewed(assignment: Assignment): void {
    const isLost = assignment.state === "expired";
    const isAtHand = this.state.deck[0]?.id === assignment.id;
    const deck = this.state.deck.map((one) => (one.id === assignment.id ? assignment : one));
    this.set({ deck: isLost && !isAtHand ? this.without(assignment.id) : deck });
    if (isLost) void this.refill();
  }

  private sent(assignmentId: number, receipt: Receipt, isOwn: boolean): void {
    const { done, practised } = this.state;
    if (isOwn) this.tabs.say({ type: "sent", assignmentId, receipt });
    if (done?.assignment.id === assignmentId) this.set({ done: { ...done, receipt } });
    if (practised?.assignment.id === assignmentId)
      this.set({ practised: receipt.feedback === null ? null : { ...practised, receipt } });
    this.onReceipt(receipt);
    if (this.undoWhenSent === assignmentId) {
      this.undoWhenSent = null;
      void this.reopen(assignmentId);
    } else void this.refill();
  }

  private refused(assignment: Assignment, error: unknown): void {
    this.tabs.say({ type: "refused", assignment, problem: problemOf(error) });
    this.putBack(assignment);
    this.set({ error });
  }

  private outboxChanged(outbox: Pick<DeskState, "unsent" | "isRetrying" | "isSafe">): void {
    this.set(outbox);
    const { done } = this.state;
    if (!outbox.isRetrying || done === null || this.undoWhenSent !== done.assignment.id) return;
    if (!this.outbox.takeBack(done.assignment.id)) return;
    this.undoWhenSent = null;
    this.putBack(done.assignment);
  }

  private heard(word: Word): void {
    this.set({ elsewhere: this.tabs.elsewhere });
    if (word.type === "left") this.leftElsewhere(word.assignmentId);
    if (word.type === "sent") this.sent(word.assignmentId, word.receipt, false);
    if (word.type !== "refused" || this.state.done?.assignment.id !== word.assignment.id) return;
    this.putBack(word.assignment);
    this.set({ error: new ProblemError(word.problem) });
  }

  /** Another tab finished a task that is here too. */
  private leftElsewhere(assignmentId: number): void {
    const { deck } = this.state;
    const there = deck.find((one) => one.id === assignmentId);
    if (there === undefined || there.is_revision) return;
    this.set({ deck: this.without(assignmentId), finishedElsewhere: deck[0] === there });
    void this.refill();
  }

  private putBack(assignment: Assignment): void {
    this.set({ deck: [assignment, ...this.without(assignment.id)], done: null, practised: null, error: null });
  }

  private held(): number[] {
    const { done, deck } = this.state;
    const skipped = done?.kind === "skipped" && done.isOpen ? [done.assignment.id] : [];
    return [...deck.map((one) => one.id), ...this.outbox.assignmentIds, ...skipped];
  }

  private without(assignmentId: number): Assignment[] {
    return this.state.deck.filter((one) => one.id !== assignmentId);
  }

  private set(change: Partial<DeskState>): void {
    this.state = { ...this.state, ...change };
    this.tabs.show(this.state.deck[0]?.id ?? null);
    this.listeners.forEach((listener) => listener());
  }
}
