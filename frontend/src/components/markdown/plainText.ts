/** Markdown that hides nothing: raw HTML and images become visible text, a line break in the source stays one. */

/** As much of a markdown node as is needed here. */
export interface Node {
  type: string;
  value?: string;
  children?: Node[];
  alt?: string | null;
  url?: string;
  label?: string | null;
  data?: object;
}

const BLOCKS = new Set(["root", "blockquote", "listItem", "footnoteDefinition"]);
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g; // eslint-disable-line no-control-regex

/** Control characters, an escape sequence for a terminal say, as the signs that Unicode has for them. */
export function visibleControls(value: string): string {
  return value.replaceAll(CONTROL, (sign) => {
    const code = sign.charCodeAt(0);
    return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code);
  });
}

function lines(value: string): Node[] {
  return value.split("\n").flatMap((line, place) => {
    const text: Node = { type: "text", value: line };
    return place === 0 ? [text] : [{ type: "break" }, text];
  });
}

function visible(node: Node, parent: Node): Node[] {
  if (node.type === "html") {
    const text = lines(node.value ?? "");
    return BLOCKS.has(parent.type) ? [{ type: "paragraph", children: text }] : text;
  }
  if (node.type === "image") return lines(`![${node.alt ?? ""}](${node.url ?? ""})`);
  if (node.type === "imageReference") return lines(`![${node.alt ?? ""}][${node.label ?? ""}]`);
  if (node.type === "text") return lines(node.value ?? "");
  return [node];
}

/** Makes a parsed text show all it says; changes the tree. */
export function showAll(parent: Node): void {
  if (parent.children === undefined) return;
  parent.children = parent.children.flatMap((node) => visible(node, parent));
  parent.children.forEach(showAll);
}
