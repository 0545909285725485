/** The write desk behind the page: the prompt at hand, the next one, what is on its way. */
import { skipTask } from "@/api/desk";
import type { NewDemonstration, SkipReason, WritingAssignment, WritingReceipt, WritingWaiting } from "@/api/types";
import { claimWriting, submitDemonstration } from "@/api/writing";
import { forget } from "@/features/ranking/draft";
import { withNewLease } from "@/features/ranking/lease";
import { Outbox, type OutboxState } from "@/features/ranking/outbox";

const WANTED = 2;
const UNREACHABLE_RETRY_MS = 5_000;
const FULL_RETRY_MS = 2_000;

export interface WriterState extends OutboxState {
  deck: readonly WritingAssignment[];
  waiting: WritingWaiting | null;
  error: unknown;
  done: "submitted" | "sending" | "skipped" | null;
  today: number | null;
}

type Listener = () => void;

export class Writer {
  private state: WriterState;
  private readonly listeners = new Set<Listener>();
  private readonly outbox: Outbox<WritingAssignment, NewDemonstration, WritingReceipt>;
  private readonly userId: number;
  private readonly projectId: number;
  private isClaiming = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(userId: number, projectId: number) {
    this.userId = userId;
    this.projectId = projectId;
    this.outbox = new Outbox(`texts.${userId}.${projectId}`, {
      submit: ({ assignment, key, body }) => submitDemonstration(assignment.id, key, body),
      onSent: (_, { progress }) => this.sent(progress.today),
      onRefused: ({ assignment }, error) => this.set({ deck: [assignment, ...this.state.deck], done: null, error }),
      onSignedOut: this.failed,
      onChange: (outbox) => this.set(outbox),
    });
    this.state = { deck: [], waiting: null, error: null, done: null, today: null, ...this.outbox.state };
  }

  readonly subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly get = (): WriterState => this.state;

  /** A request failed, the desk's own or one of the page's. */
  readonly failed = (error: unknown): void => this.set({ error });

  start(): void {
    this.outbox.start();
    void this.refill();
  }

  stop(): void {
    clearTimeout(this.retryTimer);
    this.outbox.stop();
  }

  submit(assignment: WritingAssignment, key: string, body: NewDemonstration): void {
    this.set({ deck: this.without(assignment.id), done: "sending" });
    this.outbox.add({ key, userId: this.userId, assignment, body, at: Date.now() });
    if (this.state.deck.length === 0) void this.refill();
  }

  /** The text stays in this browser no longer: a skipped prompt is somebody else's. */
  skip(assignment: WritingAssignment, reason: SkipReason | null): void {
    this.set({ deck: this.without(assignment.id), done: "skipped" });
    forget(this.userId, assignment.id);
    skipTask(assignment.id, reason)
      .then(() => this.refill())
      .catch(this.failed);
  }

  async heartbeat(): Promise<void> {
    const leased = this.state.deck.filter((one) => one.state === "leased");
    await Promise.all(leased.map((one) => withNewLease(one).then((renewed) => this.renewed(renewed), this.failed)));
  }

  /** Keeps the next prompt at hand. */
  private async refill(): Promise<void> {
    clearTimeout(this.retryTimer);
    if (this.isClaiming || this.state.deck.length >= WANTED) return;
    this.isClaiming = true;
    let pause: number | null = null;
    let isNew = false;
    try {
      const held = [...this.state.deck.map((one) => one.id), ...this.outbox.assignmentIds];
      const { assignment, waiting } = await claimWriting(this.projectId, held);
      isNew = assignment !== null && !held.includes(assignment.id);
      const deck = isNew && assignment !== null ? [...this.state.deck, assignment] : this.state.deck;
      this.set({ deck, waiting, error: null });
      if (deck.length === 0) pause = waiting ? 1000 * waiting.retry_after_s : FULL_RETRY_MS;
    } catch (error) {
      this.set({ error });
      pause = UNREACHABLE_RETRY_MS;
    } finally {
      this.isClaiming = false;
    }
    if (pause !== null) this.retryTimer = setTimeout(() => void this.refill(), pause);
    if (isNew) await this.refill();
  }

  private sent(today: number): void {
    this.set({ today, done: this.state.done === "sending" ? "submitted" : this.state.done });
    void this.refill();
  }

  private renewed(assignment: WritingAssignment): void {
    this.set({ deck: this.state.deck.map((one) => (one.id === assignment.id ? assignment : one)) });
  }

  private without(assignmentId: number): WritingAssignment[] {
    return this.state.deck.filter((one) => one.id !== assignmentId);
  }

  private set(change: Partial<WriterState>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}
