/** What changed between two texts, and how two changes of the same text go together. */

export interface Piece {
  kind: "same" | "removed" | "added";
  items: string[];
}

const MOST_CELLS = 4_000_000;

/** `before` into `after`, in runs. Too long to compare item by item: everything removed, everything added. */
export function diff(before: readonly string[], after: readonly string[]): Piece[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const middle = compared(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return joined([
    { kind: "same", items: before.slice(0, start) },
    ...middle,
    { kind: "same", items: before.slice(before.length - end) },
  ]);
}

function compared(before: string[], after: string[]): Piece[] {
  if (before.length * after.length > MOST_CELLS) {
    return [
      { kind: "removed", items: before },
      { kind: "added", items: after },
    ];
  }
  const longest = longestCommon(before, after);
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  const width = after.length + 1;
  while (i < before.length || j < after.length) {
    const down = longest[(i + 1) * width + j] ?? -1;
    const right = longest[i * width + j + 1] ?? -1;
    if (i < before.length && j < after.length && before[i] === after[j]) {
      pieces.push({ kind: "same", items: [before[i] ?? ""] });
      i += 1;
      j += 1;
    } else if (i < before.length && (j === after.length || down >= right)) {
      pieces.push({ kind: "removed", items: [before[i] ?? ""] });
      i += 1;
    } else {
      pieces.push({ kind: "added", items: [after[j] ?? ""] });
      j += 1;
    }
  }
  return pieces;
}

/** The length of the longest common subsequence from each pair of positions on, row by row. */
function longestCommon(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const table = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const [next, down, right] = [(i + 1) * width + j + 1, (i + 1) * width + j, i * width + j + 1];
      table[i * width + j] =
        before[i] === after[j] ? (table[next] ?? 0) + 1 : Math.max(table[down] ?? 0, table[right] ?? 0);
    }
  }
  return table;
}

/** Neighbours of a kind as one piece; what was removed stands before what was added in its place. */
function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const flush = () => {
    if (removed.length > 0) result.push({ kind: "removed", items: removed });
    if (added.length > 0) result.push({ kind: "added", items: added });
    [removed, added] = [[], []];
  };
  for (const { kind, items } of pieces) {
    if (items.length === 0) continue;
    if (kind === "removed") removed.push(...items);
    else if (kind === "added") added.push(...items);
    else {
      flush();
      const last = result.at(-1);
      if (last?.kind === "same") last.items.push(...items);
      else result.push({ kind, items: [...items] });
    }
  }
  flush();
  return result;
}

export function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/\r?\n/u);
}

/** Words and what stands between them; each Chinese or Japanese character counts by itself. */
export function wordsIn(text: string): string[] {
  return (
    text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? []
  );
}

interface Hunk {
  /** Where in the common text it begins and ends. */
  start: number;
  end: number;
  lines: string[];
}

function hunks(base: readonly string[], changed: readonly string[]): Hunk[] {
  const found: Hunk[] = [];
  let at = 0;
  for (const { kind, items } of diff(base, changed)) {
    const last = found.at(-1);
    if (kind === "same") at += items.length;
    else if (kind === "removed") {
      found.push({ start: at, end: at + items.length, lines: [] });
      at += items.length;
    } else if (last !== undefined && last.end === at && last.lines.length === 0) last.lines = items;
    else found.push({ start: at, end: at, lines: items });
  }
  return found;
}

export interface Merge {
  text: string;
  /** Places that both changed: they hold their lines, then mine. */
  conflicts: number;
}

/** My change and theirs of the same text in one. */
export function merge(base: string, mine: string, theirs: string): Merge {
  const common = linesOf(base);
  const ours = hunks(common, linesOf(mine));
  const others = hunks(common, linesOf(theirs));
  const lines: string[] = [];
  let [at, conflicts] = [0, 0];
  while (ours.length > 0 || others.length > 0) {
    const [left, right, start, end] = nextGroup(ours, others);
    lines.push(...common.slice(at, start));
    const [my, their] = [applied(common, left, start, end), applied(common, right, start, end)];
    if (left.length === 0 || my.join("\n") === their.join("\n")) lines.push(...their);
    else if (right.length === 0) lines.push(...my);
    else {
      conflicts += 1;
      lines.push(...their, ...my);
    }
    at = end;
  }
  lines.push(...common.slice(at));
  return { text: lines.join("\n"), conflicts };
}

/** Takes the first hunk and all that touch it, from both sides. */
function nextGroup(ours: Hunk[], others: Hunk[]): [Hunk[], Hunk[], number, number] {
  const start = Math.min(ours[0]?.start ?? Infinity, others[0]?.start ?? Infinity);
  let end = start;
  const [left, right]: [Hunk[], Hunk[]] = [[], []];
  const take = (from: Hunk[], into: Hunk[]): boolean => {
    const first = from[0];
    if (first === undefined || first.start > end) return false;
    into.push(first);
    from.shift();
    end = Math.max(end, first.end);
    return true;
  };
  while (take(ours, left) || take(others, right));
  return [left, right, start, end];
}

function applied(common: readonly string[], hunksHere: readonly Hunk[], start: number, end: number): string[] {
  const lines: string[] = [];
  let at = start;
  for (const hunk of hunksHere) {
    lines.push(...common.slice(at, hunk.start), ...hunk.lines);
    at = hunk.end;
  }
  return [...lines, ...common.slice(at, end)];
}
