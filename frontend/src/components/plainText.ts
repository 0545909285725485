/** Markdown that hides nothing: raw HTML and images become visible text, a line break in the source stays one. */

interface Node {
  type: string;
  value?: string;
  children?: Node[];
  alt?: string | null;
  url?: string;
  label?: string | null;
  tagName?: string;
  properties?: Record<string, unknown>;
}

const BLOCKS = new Set(["root", "blockquote", "listItem", "footnoteDefinition"]);

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

function walk(parent: Node): void {
  if (parent.children === undefined) return;
  parent.children = parent.children.flatMap((node) => visible(node, parent));
  parent.children.forEach(walk);
}

/** A remark plugin. */
export function remarkPlainText() {
  return (tree: unknown) => walk(tree as Node);
}

const WORD = /([\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*)/u;

function marked(node: Node, words: ReadonlySet<string>): Node[] {
  if (node.type !== "text") return [node];
  return (node.value ?? "").split(WORD).map((part) => {
    const text: Node = { type: "text", value: part };
    return words.has(part.toLowerCase())
      ? { type: "element", tagName: "mark", properties: {}, children: [text] }
      : text;
  });
}

function mark(parent: Node, words: ReadonlySet<string>): void {
  if (parent.children === undefined) return;
  parent.children.forEach((child) => mark(child, words));
  parent.children = parent.children.flatMap((node) => marked(node, words));
}

/** A rehype plugin that marks the given words (lower case). */
export function rehypeMarkWords(words: ReadonlySet<string>) {
  return () => (tree: unknown) => mark(tree as Node, words);
}
