/** The middle of a long text, which a reader may not need at once: where it begins and ends, and a tree without it. */
import type { ElementContent, Root, RootContent } from "hast";

import { isFormula, textOf } from "./text";
import { wordsOf } from "./words";

/** A text longer than `words` or `lines` keeps its first and last words, or lines, and hides the rest. */
export interface Limits {
  words: number;
  lines: number;
  head: { words: number; lines: number };
  tail: { words: number; lines: number };
}

/** The hidden middle, in characters of the visible text, and how many words it has. */
export interface Fold {
  from: number;
  to: number;
  words: number;
}

/** How far a cut may move to reach the end of a line. */
const NEAR = 240;

/** Where to fold a text; null where it is short, or would hide next to nothing. */
export function foldOf(text: string, limits: Limits): Fold | null {
  const words = wordsOf(text).filter((word) => word.isWord);
  const lineEnds = Array.from(text.matchAll(/\n+/g), ({ index }) => index);
  if (words.length <= limits.words && lineEnds.length < limits.lines) return null;
  const from = Math.min(wordEnd(words, limits.head.words, text), lineEnds[limits.head.lines - 1] ?? text.length);
  const lastWords = limits.tail.words === 0 ? text.length : (words.at(-limits.tail.words)?.start ?? 0);
  const lastLines = limits.tail.lines === 0 ? text.length : (lineEnds.at(-limits.tail.lines) ?? 0);
  const to = Math.max(lineStart(text, lastWords), lastLines);
  const hidden = words.filter(({ start }) => start >= from && start < to).length;
  return hidden === 0 || to - from < NEAR ? null : { from, to, words: hidden };
}

function wordEnd(words: readonly { end: number }[], count: number, text: string): number {
  const end = words[count - 1]?.end ?? text.length;
  const line = text.indexOf("\n", end);
  return line >= 0 && line - end < NEAR ? line : end;
}

function lineStart(text: string, place: number): number {
  const line = text.lastIndexOf("\n", place);
  return place < text.length && place - line < NEAR ? line + 1 : place;
}

/** What a tree shows from one character up to another; elements with nothing left of them go. */
export function part(root: Root, from: number, to: number): Root {
  let at = 0;
  const within = () => at >= from && at < to;
  const kept = (node: RootContent): ElementContent[] => {
    if (node.type !== "text" && node.type !== "element") return [];
    const start = at;
    if (node.type === "text" || isFormula(node)) {
      at += textOf(node).length;
      if (node.type === "element") return start >= from && start < to ? [node] : [];
      const value = node.value.slice(Math.max(0, from - start), Math.max(0, to - start));
      return value === "" ? [] : [{ type: "text", value }];
    }
    if (node.children.length === 0) return within() ? [node] : [];
    const children = node.children.flatMap(kept);
    if (children.length === 0 || at <= from || start >= to) return [];
    return [{ ...node, properties: numbered(node, start, from), children }];
  };
  return { type: "root", children: root.children.flatMap(kept) };
}

/** A numbered list whose first items are hidden goes on counting. */
function numbered(node: Extract<ElementContent, { type: "element" }>, start: number, from: number) {
  if (node.tagName !== "ol") return node.properties;
  let at = start;
  let hidden = 0;
  for (const child of node.children) {
    at += textOf(child).length;
    if (child.type === "element" && at <= from) hidden += 1;
  }
  return { ...node.properties, start: Number(node.properties.start ?? 1) + hidden };
}
