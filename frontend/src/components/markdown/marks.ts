/** Marks on a text, by their places in it. */
import type { ElementContent, Root } from "hast";

import { changed } from "./text";

/** From one character of the visible text up to another. */
export type Range = readonly [start: number, end: number];

/** What a reader who cannot see the marks hears before and after one. */
export interface Spoken {
  before: string;
  after: string;
}

/** The tree with the ranges (in order, apart from one another) in `mark` elements. */
export function withMarks(root: Root, ranges: readonly Range[], spoken: Spoken): Root {
  if (ranges.length === 0) return root;
  const mark = (children: ElementContent[]): ElementContent => ({
    type: "element",
    tagName: "mark",
    properties: { dataBefore: spoken.before, dataAfter: spoken.after },
    children,
  });
  let next = 0;
  return changed(root, (piece, start, end) => {
    while (next < ranges.length && (ranges[next]?.[1] ?? 0) <= start) next += 1;
    const over = overlapping(ranges, next, end);
    if (over.length === 0) return [piece];
    return piece.type === "element" ? [mark([piece])] : split(piece.value, start, over, mark);
  });
}

function overlapping(ranges: readonly Range[], from: number, end: number): Range[] {
  const found: Range[] = [];
  for (let index = from; index < ranges.length; index += 1) {
    const range = ranges[index];
    if (range === undefined || range[0] >= end) break;
    found.push(range);
  }
  return found;
}

function split(
  value: string,
  start: number,
  ranges: readonly Range[],
  mark: (children: ElementContent[]) => ElementContent,
): ElementContent[] {
  const parts: ElementContent[] = [];
  let at = 0;
  const upTo = (place: number, isMarked: boolean) => {
    const piece = value.slice(at, place);
    at = Math.max(at, place);
    if (piece === "") return;
    const text: ElementContent = { type: "text", value: piece };
    parts.push(isMarked && piece.trim() !== "" ? mark([text]) : text);
  };
  for (const [from, to] of ranges) {
    upTo(Math.max(0, from - start), false);
    upTo(Math.min(value.length, to - start), true);
  }
  upTo(value.length, false);
  return parts;
}
