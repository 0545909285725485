import type { WritingAssignment } from "@/api/types";
import { wordCount } from "@/components/format";

const FEWEST_WORDS = 3;

export type Effort = "enough" | "empty" | "short" | "repeats";

function plain(text: string): string {
  return text.split(/\s+/u).filter(Boolean).join(" ").toLowerCase();
}

/** Whether a text can be a demonstration at all; the service asks the same. */
export function effortOf(text: string, messages: WritingAssignment["prompt"]["messages"]): Effort {
  if (text.trim() === "") return "empty";
  if (wordCount(text) < FEWEST_WORDS) return "short";
  return messages.some((message) => plain(String(message.content)) === plain(text)) ? "repeats" : "enough";
}
