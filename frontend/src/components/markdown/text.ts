/** A parsed text as a run of characters: every place in it is an offset, whatever elements surround it. */
import type { Element, ElementContent, Root, RootContent, Text } from "hast";

export type Parent = Root | Element;
export type Content = RootContent | ElementContent;

/** All text below a node. */
export function textOf(node: Parent | Content): string {
  if (node.type === "text") return node.value;
  return "children" in node ? node.children.map(textOf).join("") : "";
}

export function isFormula(node: Content): boolean {
  return node.type === "element" && Array.isArray(node.properties.className) && node.properties.className[0] === "math";
}

/** Says what becomes of a piece; `start` and `end` are its place in the whole text. */
export type Change = (piece: Text | Element, start: number, end: number) => ElementContent[];

/** The tree with every text, and every formula as a whole, changed; the tree given stays as it is. */
export function changed(tree: Root, change: Change): Root {
  let at = 0;
  const walk = (node: Content): ElementContent[] => {
    if (node.type !== "text" && node.type !== "element") return [];
    if (node.type === "text" || isFormula(node)) {
      const start = at;
      at += textOf(node).length;
      return change(node, start, at);
    }
    return [{ ...node, children: node.children.flatMap(walk) }];
  };
  return { ...tree, children: tree.children.flatMap(walk) };
}
