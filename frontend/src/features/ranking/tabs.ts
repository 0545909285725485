/** What the tabs of one person in one project tell each other, so that nothing is shown, sent or counted twice. */
import { newKey } from "@/api/keys";
import type { Assignment, Problem, Receipt } from "@/api/types";

export type Word =
  | { type: "hello" | "bye" }
  | { type: "at-hand"; id: number | null }
  | { type: "left"; assignmentId: number }
  | { type: "sent"; assignmentId: number; receipt: Receipt }
  | { type: "refused"; assignment: Assignment; problem: Problem };

interface Spoken {
  from: string;
  word: Word;
}

/** A tab in the background of a busy machine may take this long; where the browser tells who is there, few wait. */
const ANSWERS_WITHIN_MS = 2_000;
/** Without the browser's locks nobody knows how many will answer. */
const UNCOUNTED_WITHIN_MS = 200;

export class Tabs {
  private readonly own = newKey();
  private channel: BroadcastChannel | null = null;
  private readonly name: string;
  private readonly others = new Map<string, number | null>();
  private readonly awaited = new Set<string>();
  private allAnswered: (() => void) | null = null;
  private giveUpPlace: (() => void) | null = null;
  private atHand: number | null = null;
  private readonly onWord: (word: Word) => void;

  constructor(userId: number, projectId: number, onWord: (word: Word) => void) {
    this.onWord = onWord;
    this.name = `plackett.desk.${userId}.${projectId}`;
  }

  /** Assignments that other tabs have in front of the person. */
  get elsewhere(): number[] {
    return [...this.others.values()].filter((id) => id !== null);
  }

  /** Joins the others and asks who is there; once they all answered, or had time to, tells if it is still with them. */
  async join(): Promise<boolean> {
    if (this.channel !== null || typeof BroadcastChannel === "undefined") return true;
    const channel = new BroadcastChannel(this.name);
    this.channel = channel;
    channel.addEventListener("message", this.hear);
    this.say({ type: "hello" });
    this.say({ type: "at-hand", id: this.atHand });
    const present = await this.present();
    if (this.channel === channel) await this.answersOf(present);
    return this.channel === channel;
  }

  say(word: Word): void {
    this.channel?.postMessage({ from: this.own, word } satisfies Spoken);
  }

  /** Tells the others what is in front of the person here, when that changed. */
  show(id: number | null): void {
    if (id === this.atHand) return;
    this.atHand = id;
    this.say({ type: "at-hand", id });
  }

  leave(): void {
    this.say({ type: "bye" });
    this.giveUpPlace?.();
    this.awaited.clear();
    this.allAnswered?.();
    this.channel?.close();
    this.channel = null;
    this.others.clear();
  }

  private readonly hear = ({ data }: MessageEvent<Spoken>): void => {
    const { from, word } = data;
    if (from === this.own) return;
    if (word.type === "hello") this.say({ type: "at-hand", id: this.atHand });
    else if (word.type === "at-hand") this.others.set(from, word.id);
    else if (word.type === "bye") this.others.delete(from);
    if (word.type === "at-hand" || word.type === "bye") this.answered(from);
    this.onWord(word);
  };

  /** The other tabs by the locks that they hold while they are open, or null where the browser has none. */
  private async present(): Promise<string[] | null> {
    const locks = (navigator as Partial<Navigator>).locks;
    if (locks === undefined) return null;
    const place = `${this.name}.`;
    const isGivenUp = new Promise<void>((resolve) => (this.giveUpPlace = resolve));
    void locks.request(place + this.own, () => isGivenUp);
    const { held = [] } = await locks.query();
    const names = held.map((lock) => lock.name ?? "").filter((name) => name.startsWith(place));
    return names.map((name) => name.slice(place.length)).filter((tab) => tab !== this.own);
  }

  private async answersOf(present: string[] | null): Promise<void> {
    present?.filter((tab) => !this.others.has(tab)).forEach((tab) => this.awaited.add(tab));
    if (present !== null && this.awaited.size === 0) return;
    await new Promise<void>((resolve) => {
      this.allAnswered = resolve;
      setTimeout(resolve, present === null ? UNCOUNTED_WITHIN_MS : ANSWERS_WITHIN_MS);
    });
  }

  private answered(tab: string): void {
    if (this.awaited.delete(tab) && this.awaited.size === 0) this.allAnswered?.();
  }
}
