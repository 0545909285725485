/** Texts that would keep a markdown parser busy for seconds; nobody writes them to be read. */

const LONGEST = 100_000;
const DEEP_LINE = /^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*){60}|^[ \t]{120,}(?:[>*+-]|\d{1,9}[.)])/m;
/** The page's font joins signs by what stands beside them: the browser's time grows with the square of such a run. */
const ENDLESS = /[!-~]{5000}/;
const FENCED = /^[ \t>]*(`{3,}(?!`)|~{3,}(?!~))[^]*?^[ \t>]*\1/gm;
const BLOCK_START = /\n(?=[ \t>]*(?:\n|[-*+#|]|\d{1,9}[.)]))/;
const EMPHASIS = /[*_~]+/g;
const BRACKET = /[[\]]/g;
const MOST_EMPHASIS = 600;
const MOST_BRACKETS = 3000;
const MOST_CELLS = 10_000;
const MOST_LINES = 4000;

function count(text: string, sign: RegExp): number {
  return text.match(sign)?.length ?? 0;
}

/** Cells of the tables a text could have: a table's short rows are filled up to its widest. */
function cells(text: string): number {
  const widths = text.split("\n").map((line) => count(line, /\|/g));
  const widest = widths.reduce((most, width) => Math.max(most, width), 0);
  return widest * widths.filter((width) => width > 0).length;
}

/** The parser's time grows with the cube of the signs for emphasis in one paragraph, with the square of brackets. */
export function isHostile(text: string): boolean {
  if (text.length > LONGEST || count(text, /\n/g) > MOST_LINES || cells(text) > MOST_CELLS) return true;
  const prose = text.replaceAll(FENCED, "");
  if (DEEP_LINE.test(prose) || ENDLESS.test(prose)) return true;
  const paragraphs = prose.split(BLOCK_START);
  return paragraphs.some((one) => count(one, EMPHASIS) > MOST_EMPHASIS || count(one, BRACKET) > MOST_BRACKETS);
}
