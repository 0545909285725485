/** A text, read once: parsed to a tree that is kept for the next time it is shown. */
import type { Root } from "hast";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

import { settle } from "./blocks";
import { withoutFormulas } from "./formulas";
import { isHostile } from "./hostile";
import { showAll, visibleControls } from "./plainText";
import { textOf } from "./text";

export interface Reading {
  root: Root;
  /** What is seen of it, formulas as their source. Ranges count its characters. */
  text: string;
  hasMath: boolean;
  hasCode: boolean;
}

const MOST_NODES = 60_000;
const DEEPEST = 100;
const KEPT = 64;

const parser = unified().use(remarkParse).use(remarkGfm);
const toElements = unified().use(remarkRehype);
const kept = new Map<string, Reading | null>();

/** The text as a tree; null where it is too long or too deeply nested to be read as markdown, and is shown as it is. */
export function readingOf(text: string): Reading | null {
  const known = kept.get(text);
  const reading = known === undefined ? read(text) : known;
  // What was used last stands last; the first goes.
  kept.delete(text);
  kept.set(text, reading);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value ?? "");
  return reading;
}

function read(text: string): Reading | null {
  if (isHostile(text)) return null;
  try {
    return parsed(visibleControls(text));
  } catch (error) {
    // A stack that ran out says that the nesting is deeper than anybody could read.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function parsed(text: string): Reading | null {
  const { markdown, restore, hasMath } = withoutFormulas(text);
  const tree = parser.parse(markdown);
  restore(tree as Parameters<typeof restore>[0]);
  showAll(tree as Parameters<typeof showAll>[0]);
  const root = toElements.runSync(tree);
  if (!isReadable(root)) return null;
  settle(root);
  return { root, text: textOf(root), hasMath, hasCode: /\blanguage-/.test(JSON.stringify(classes(root))) };
}

/** Class names of the code blocks of a tree. */
function classes(root: Root): unknown[] {
  const found: unknown[] = [];
  const rest: (Root | Root["children"][number])[] = [root];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    if (node.type === "element" && node.tagName === "code") found.push(node.properties.className);
    if ("children" in node) rest.push(...node.children);
  }
  return found;
}

/** Whether a tree is one that a browser lays out well. */
function isReadable(root: Root): boolean {
  const rest: [Root | Root["children"][number], number][] = [[root, 0]];
  let count = 0;
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [node, depth] = next;
    count += 1;
    if (depth > DEEPEST || count > MOST_NODES) return false;
    if ("children" in node) for (const child of node.children) rest.push([child, depth + 1]);
  }
  return true;
}
