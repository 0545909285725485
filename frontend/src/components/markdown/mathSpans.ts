/**
 * Where a text has formulas: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`.
 *
 * They are looked for in the source, before markdown reads it: to markdown `\(` is an escaped bracket, `_` is emphasis
 * and `|` ends a table's cell. Sums of money, shell variables and brackets that were merely escaped stay text.
 */

export interface MathSpan {
  start: number;
  end: number;
  /** A line of its own, not a part of the sentence. */
  isDisplay: boolean;
}

/** The next place of each closing sign, -1 where there is none: looked for once, however many signs wait for it. */
type Closers = Map<string, number>;

const LONGEST = 4000;
const FENCE = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`\n]*(?:\n|$))|~{3,})/;
const BLANK_LINE = /\n[ \t>]*\n/;
const TEX_SIGN = /[\\^_={}+<>|]/;
const WORD = /\p{L}{3,}/u;
const ALPHANUMERIC = /[\p{L}\p{N}]/u;
/** What may stand right after a formula without a space: "the $n$th", "all $x$s". */
const ENDING = /^(?:th|st|nd|rd|s)(?![\p{L}\p{N}])/u;
const MONEY = /^\d[\d.,]*\s?(?:[kmb]|bn|mn)?(?=$|[\s,;/–—-])/iu;

/** The formulas of a text in order, none of them inside code. */
export function mathSpans(text: string): MathSpan[] {
  if (!text.includes("$") && !text.includes("\\(") && !text.includes("\\[")) return [];
  const spans: MathSpan[] = [];
  const closers: Closers = new Map();
  let at = 0;
  while (at < text.length) {
    const code = codeAt(text, at);
    const span = code === null ? spanAt(text, at, closers) : null;
    if (span !== null) spans.push(span);
    at = code ?? span?.end ?? at + plainAt(text, at);
  }
  return spans;
}

/** How much of the text at `at` can begin neither code nor a formula. */
function plainAt(text: string, at: number): number {
  if (text[at] === "\\") return 2;
  if (text[at] === "$" || text[at] === "`") return runLength(text, at);
  return 1;
}

function runLength(text: string, at: number): number {
  let length = 1;
  while (text[at + length] === text[at]) length += 1;
  return length;
}

/** The end of the code that begins at `at`, null where none does. */
function codeAt(text: string, at: number): number | null {
  const isLineStart = at === 0 || text[at - 1] === "\n";
  const fence = isLineStart ? FENCE.exec(text.slice(at, at + 200)) : null;
  if (fence !== null) return fenceEnd(text, at + fence[0].length, fence[1] ?? "");
  if (text[at] !== "`") return null;
  const length = runLength(text, at);
  const close = new RegExp(`(?<!\`)\`{${length}}(?!\`)|\\n[ \\t>]*\\n`, "g");
  close.lastIndex = at + length;
  const found = close.exec(text);
  return found === null || found[0].startsWith("\n") ? null : close.lastIndex;
}

function fenceEnd(text: string, from: number, fence: string): number {
  const close = new RegExp(`\\n[ \\t>]*${fence.charAt(0)}{${fence.length},}[ \\t]*(?=\\n|$)`, "g");
  close.lastIndex = from;
  return close.exec(text) === null ? text.length : close.lastIndex;
}

function spanAt(text: string, at: number, closers: Closers): MathSpan | null {
  if (text[at] === "\\") return bracketed(text, at, closers);
  if (text[at] !== "$") return null;
  const length = runLength(text, at);
  if (length === 1) return dollars(text, at);
  return length === 2 ? doubleDollars(text, at, closers) : null;
}

/** The place of `close` after `from`, null where a blank line or too much text comes first. */
function closing(text: string, from: number, close: string, closers: Closers): number | null {
  const known = closers.get(close);
  const place = known === undefined || (known >= 0 && known < from) ? text.indexOf(close, from) : known;
  closers.set(close, place);
  const isNear = place > from && place - from <= LONGEST;
  return isNear && !BLANK_LINE.test(text.slice(from, place)) ? place : null;
}

function bracketed(text: string, at: number, closers: Closers): MathSpan | null {
  const isDisplay = text[at + 1] === "[";
  if (!isDisplay && text[at + 1] !== "(") return null;
  const end = closing(text, at + 2, isDisplay ? "\\]" : "\\)", closers);
  if (end === null) return null;
  const inside = text.slice(at + 2, end).trim();
  const isFormula = TEX_SIGN.test(inside) || (!WORD.test(inside) && !isDisplay && inside !== "");
  return isFormula ? { start: at, end: end + 2, isDisplay } : null;
}

function doubleDollars(text: string, at: number, closers: Closers): MathSpan | null {
  const end = closing(text, at + 2, "$$", closers);
  if (end === null || text.slice(at + 2, end).trim() === "") return null;
  return { start: at, end: end + 2, isDisplay: true };
}

/** `$…$` as Pandoc reads it, a little stricter: no space inside the signs, no word or number touching them outside. */
function dollars(text: string, at: number): MathSpan | null {
  const close = /(?<!\\)\$|\n[ \t>]*\n/g;
  close.lastIndex = at + 1;
  const found = close.exec(text.slice(0, at + LONGEST));
  const inside = text.slice(at + 1, found?.index ?? at);
  if (found?.[0] !== "$" || inside === "" || inside !== inside.trim()) return null;
  const after = text.slice(found.index + 1, found.index + 5);
  const touches = ALPHANUMERIC.test(text.charAt(at - 1)) || (ALPHANUMERIC.test(after.charAt(0)) && !ENDING.test(after));
  if (touches || after.startsWith("$") || isMoney(inside)) return null;
  return { start: at, end: found.index + 1, isDisplay: false };
}

/** "5 for me and 10": begins with an amount, goes on in words, has no sign of a formula. */
function isMoney(inside: string): boolean {
  return MONEY.test(inside) && !TEX_SIGN.test(inside) && /\p{L}{2,}/u.test(inside);
}

/** The formula without its signs. */
export function texOf(source: string): string {
  const signs = source.startsWith("$") && !source.startsWith("$$") ? 1 : 2;
  return source.slice(signs, -signs).trim();
}
