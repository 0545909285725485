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

const ANSWERS_WITHIN_MS = 40;

export class Tabs {
  private readonly own = newKey();
  private channel: BroadcastChannel | null = null;
  private readonly name: string;
  private readonly others = new Map<string, number | null>();
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

  /** Joins the others and asks who is there; resolves once they had time to answer. */
  async join(): Promise<void> {
    if (this.channel !== null || typeof BroadcastChannel === "undefined") return;
    this.channel = new BroadcastChannel(this.name);
    this.channel.addEventListener("message", this.hear);
    this.say({ type: "hello" });
    this.say({ type: "at-hand", id: this.atHand });
    await new Promise((resolve) => setTimeout(resolve, ANSWERS_WITHIN_MS));
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
    this.onWord(word);
  };
}
