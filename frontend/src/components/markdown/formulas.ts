/** Formulas on their way through the markdown parser: a sign that markdown leaves alone stands for each. */
import { mathSpans } from "./mathSpans";
import type { Node } from "./plainText";

export interface Prepared {
  /** What the markdown parser gets. */
  markdown: string;
  /** Puts the formulas back into the parsed tree. */
  restore: (tree: Node) => void;
  hasMath: boolean;
}

const PRIVATE_USE = 0xe000;
const LAST_PRIVATE_USE = 0xf8ff;

/** Two signs that the text does not have; null where it has nearly all of them. */
function freeSigns(text: string): [string, string] | null {
  const free: string[] = [];
  for (let code = PRIVATE_USE; code <= LAST_PRIVATE_USE && free.length < 2; code += 1) {
    const sign = String.fromCharCode(code);
    if (!text.includes(sign)) free.push(sign);
  }
  const [open, close] = free;
  return open === undefined || close === undefined ? null : [open, close];
}

export function withoutFormulas(text: string): Prepared {
  const spans = mathSpans(text);
  const signs = spans.length === 0 ? null : freeSigns(text);
  if (signs === null) return { markdown: text, restore: () => undefined, hasMath: false };
  const [open, close] = signs;
  const formulas = spans.map(({ start, end, isDisplay }) => ({ source: text.slice(start, end), isDisplay }));
  let markdown = "";
  let at = 0;
  spans.forEach(({ start, end }, index) => {
    markdown += `${text.slice(at, start)}${open}${index}${close}`;
    at = end;
  });
  const sign = new RegExp(`${open}(\\d+)${close}`, "g");
  return { markdown: markdown + text.slice(at), restore: (tree) => restore(tree, sign, formulas), hasMath: true };
}

interface Formula {
  source: string;
  isDisplay: boolean;
}

function restore(node: Node, sign: RegExp, formulas: readonly Formula[]): void {
  const written = (value: string) => value.replaceAll(sign, (all, index) => formulas[Number(index)]?.source ?? all);
  const fields = node as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) if (typeof value === "string") fields[name] = written(value);
  if (node.children === undefined) return;
  node.children = node.children.flatMap((child) => {
    if (child.type === "text") return shown(child.value ?? "", sign, formulas);
    restore(child, sign, formulas);
    return [child];
  });
}

/** A text with its formulas as nodes of their own; every second piece is a formula's number. */
function shown(value: string, sign: RegExp, formulas: readonly Formula[]): Node[] {
  return value.split(sign).flatMap((piece, place) => {
    if (place % 2 === 0) return piece === "" ? [] : [{ type: "text", value: piece }];
    const formula = formulas[Number(piece)];
    return formula === undefined ? [] : [formulaNode(formula)];
  });
}

function formulaNode({ source, isDisplay }: Formula): Node {
  // In a quote, each line of the source has the quote's sign.
  const value = source.replaceAll(/\n[ \t]*>[ \t]?/g, "\n");
  const className = ["math", isDisplay ? "math-display" : "math-inline"];
  const hChildren = [{ type: "text", value }];
  return { type: "formula", value, data: { hName: "code", hProperties: { className }, hChildren } };
}
