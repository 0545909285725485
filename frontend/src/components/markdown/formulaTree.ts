/** Formulas as MathML. Loaded when a text has one: the typesetter and its font weigh more than the page does. */
import "temml/dist/Temml-Local.css";
import "./formula.css";

import type { Element, ElementContent, Root } from "hast";
import temml from "temml";

import { texOf } from "./mathSpans";
import { FORMULA_STYLE } from "./safe";
import { changed, isFormula, textOf } from "./text";

/** What the typesetter builds: MathML elements, fragments without a tag, texts. */
interface Built {
  type?: string;
  text?: string;
  attributes?: Record<string, string | number | boolean>;
  classes?: string[];
  style?: Record<string, string | number>;
  children?: Built[];
}

const KEPT = 500;
/** More formulas than this in one text are an attack on the browser's patience; the rest stay as their source. */
const MOST = 400;
const OPTIONS = {
  throwOnError: true,
  trust: false,
  strict: false,
  maxExpand: 200,
  maxSize: [20, 200] as [number, number],
};
const kept = new Map<string, ElementContent[]>();

/** The tree with its formulas set; one that cannot be read stays as its source. */
export function withFormulas(root: Root): Root {
  let left = MOST;
  return changed(root, (piece) => {
    if (piece.type !== "element" || !isFormula(piece) || left === 0) return [piece];
    left -= 1;
    return formula(piece);
  });
}

function formula(code: Element): ElementContent[] {
  const isDisplay = (code.properties.className as string[]).includes("math-display");
  const source = textOf(code);
  const key = `${String(isDisplay)}${source}`;
  const known = kept.get(key) ?? typeset(code, source, isDisplay);
  if (kept.size >= KEPT) kept.clear();
  kept.set(key, known);
  return known;
}

function typeset(code: Element, source: string, isDisplay: boolean): ElementContent[] {
  try {
    const built = temml.__renderToMathMLTree(texOf(source), { ...OPTIONS, displayMode: isDisplay }) as Built;
    const className = ["formula", ...(isDisplay ? ["formula-display"] : [])];
    return [{ type: "element", tagName: "span", properties: { className }, children: elements(built, false) }];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return [code];
  }
}

/** Colours are left out (they would hide text on one of the themes), and a size inside a size. */
function elements(built: Built, isSized: boolean): ElementContent[] {
  if (built.text !== undefined) return [{ type: "text", value: built.text }];
  const { mathsize, ...attributes } = built.attributes ?? {};
  const sizes = mathsize === undefined || isSized ? {} : { mathsize };
  const children = (built.children ?? []).flatMap((child) => elements(child, isSized || mathsize !== undefined));
  if (built.type === undefined) return children;
  const properties: Element["properties"] = { className: (built.classes ?? []).flatMap((name) => name.split(" ")) };
  for (const [name, value] of Object.entries({ ...attributes, ...sizes })) properties[name] = String(value);
  const style = styleOf(built.style ?? {});
  if (style !== "") properties.style = style;
  return [{ type: "element", tagName: built.type, properties, children }];
}

function styleOf(style: Record<string, string | number>): string {
  const declarations = Object.entries(style).map(([name, value]) => {
    const property = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return `${property}:${String(value).trim()}`;
  });
  return declarations
    .filter((one) => FORMULA_STYLE.test(one))
    .map((one) => `${one};`)
    .join("");
}
