/** Submitted work on its way: kept in this browser until the service has answered, sent in order, by one tab. */
import { newKey } from "@/api/keys";
import { hasStatus, hasType, isTemporary } from "@/api/problem";

import { forget, renewKey } from "./draft";
import { Kept } from "./kept";

interface Numbered {
  id: number;
}

/** What was submitted (`B`) for an assignment (`A`), under its idempotency key. */
export interface Outgoing<A extends Numbered, B> {
  key: string;
  userId: number;
  assignment: A;
  body: B;
  /** When it was submitted, milliseconds since 1970. */
  at: number;
}

export interface OutboxState {
  unsent: number;
  /** The service does not answer; what is unsent is tried again and again. */
  isRetrying: boolean;
  /** False while something is kept by this page alone. */
  isSafe: boolean;
}

export interface OutboxEvents<A extends Numbered, B, R> {
  submit: (outgoing: Outgoing<A, B>) => Promise<R>;
  onSent: (sent: Outgoing<A, B>, receipt: R) => void;
  onRefused: (refused: Outgoing<A, B>, error: unknown) => void;
  onSignedOut: (error: unknown) => void;
  onChange: (state: OutboxState) => void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const SIGNED_OUT = 401;

/** One at a time, retried for as long as the service does not answer; a refusal is handed back. */
export class Outbox<A extends Numbered, B, R> {
  private readonly kept: Kept<Outgoing<A, B>>;
  private sending: string | null = null;
  private pause = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRetrying = false;
  private readonly lock: string;
  private readonly events: OutboxEvents<A, B, R>;

  /** `name` is this person's, in this project, for this kind of work. */
  constructor(name: string, events: OutboxEvents<A, B, R>) {
    this.lock = `plackett.${name}`;
    this.kept = new Kept(`${this.lock}.`);
    this.events = events;
  }

  /** Sends what an earlier visit left, and listens to what other tabs add. */
  start(): void {
    globalThis.addEventListener("storage", this.changedElsewhere);
    void this.send();
  }

  get state(): OutboxState {
    return { unsent: this.kept.all().length, isRetrying: this.isRetrying, isSafe: this.kept.isSafe };
  }

  get assignmentIds(): number[] {
    return this.waiting().map((one) => one.assignment.id);
  }

  holds(assignmentId: number): boolean {
    return this.assignmentIds.includes(assignmentId);
  }

  add(outgoing: Outgoing<A, B>): void {
    this.kept.put(outgoing.key, outgoing);
    this.tell();
    void this.send();
  }

  /** Sends what waits, unless another tab is at it; safe to call at any time. */
  async send(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.sending !== null || this.waiting().length === 0) return;
    const first = this.waiting()[0];
    this.sending = first?.key ?? null;
    try {
      await alone(this.lock, () => this.sendFirst());
    } finally {
      this.sending = null;
    }
    this.goOnAfter(first?.key);
  }

  /** Takes back what has not been handed to the service yet; false when it is too late for that. */
  takeBack(assignmentId: number): boolean {
    const there = this.waiting().find((one) => one.assignment.id === assignmentId);
    if (there === undefined || there.key === this.sending) return false;
    this.kept.drop(there.key);
    // The service may have heard it and only its answer was lost: what is submitted next is another request.
    renewKey(there.userId, assignmentId);
    this.tell();
    return true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    globalThis.removeEventListener("storage", this.changedElsewhere);
  }

  private waiting(): Outgoing<A, B>[] {
    return this.kept.all().sort((one, other) => one.at - other.at);
  }

  /** The next one at once; the same one again (another tab is at it) after a pause. */
  private goOnAfter(key: string | undefined): void {
    const next = this.waiting()[0];
    if (next === undefined || this.timer !== undefined) return;
    if (next.key === key) this.retryLater();
    else void this.send();
  }

  private async sendFirst(): Promise<void> {
    const first = this.waiting()[0];
    if (first === undefined) return;
    this.sending = first.key;
    try {
      const receipt = await this.events.submit(first);
      this.done(first);
      this.events.onSent(first, receipt);
    } catch (error) {
      this.failed(first, error);
    }
  }

  private failed(outgoing: Outgoing<A, B>, error: unknown): void {
    if (isTemporary(error) || hasType(error, "idempotency-in-progress")) {
      this.isRetrying = true;
      this.sending = null;
      this.retryLater();
      this.tell();
      return;
    }
    if (hasStatus(error, SIGNED_OUT)) {
      this.retryLater();
      this.events.onSignedOut(error);
      return;
    }
    this.kept.drop(outgoing.key);
    if (hasType(error, "idempotency-key-reused")) {
      const key = newKey();
      this.kept.put(key, { ...outgoing, key });
      return;
    }
    this.tell();
    this.events.onRefused(outgoing, error);
  }

  private retryLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.send(), this.pause);
    this.pause = Math.min(LONGEST_WAIT_MS, 2 * this.pause);
  }

  private done(outgoing: Outgoing<A, B>): void {
    this.pause = FIRST_WAIT_MS;
    this.isRetrying = false;
    forget(outgoing.userId, outgoing.assignment.id);
    this.kept.drop(outgoing.key);
    this.tell();
  }

  private readonly changedElsewhere = (event: StorageEvent): void => {
    if (this.kept.isAbout(event.key)) this.tell();
  };

  private tell(): void {
    if (this.kept.all().length === 0) this.isRetrying = false;
    this.events.onChange(this.state);
  }
}

/** Runs the work unless another tab runs it already; without the browser's locks the service's own are enough. */
async function alone(name: string, work: () => Promise<void>): Promise<void> {
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks === undefined) return work();
  await locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await work();
  });
}
