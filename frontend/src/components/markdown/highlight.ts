/** Colours for code. Loaded when a text has a block of it that names its language. */
import type { Element, ElementContent, Root } from "hast";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import r from "highlight.js/lib/languages/r";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import shell from "highlight.js/lib/languages/shell";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";

import { textOf } from "./text";

const LANGUAGES = { bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, markdown };
const MORE = { php, python, r, ruby, rust, shell, sql, swift, typescript, xml, yaml };
const LONGEST = 20_000;
const KEPT = 200;
const highlighter = createLowlight({ ...LANGUAGES, ...MORE });
const kept = new Map<string, ElementContent[]>();

/** The tree with colours in its code blocks; its text stays the same, character for character. */
export function withColours(root: Root): Root {
  return { ...root, children: root.children.map((child) => (child.type === "element" ? coloured(child) : child)) };
}

function coloured(element: Element): Element {
  const language = element.tagName === "code" ? languageOf(element) : null;
  if (language !== null) return { ...element, children: colours(language, element) };
  return {
    ...element,
    children: element.children.map((child) => (child.type === "element" ? coloured(child) : child)),
  };
}

/** The language that a block of code names, where it is one of those known here. */
function languageOf(code: Element): string | null {
  const names = Array.isArray(code.properties.className) ? code.properties.className : [];
  const name = (names.map(String).find((one) => one.startsWith("language-")) ?? "").slice("language-".length);
  // A sign that was made visible is an element in the code; such code keeps it instead of colours.
  const isPlain = code.children.every((child) => child.type === "text");
  return isPlain && highlighter.registered(name.toLowerCase()) ? name.toLowerCase() : null;
}

function colours(language: string, code: Element): ElementContent[] {
  const source = textOf(code);
  if (source.length > LONGEST) return code.children;
  const key = `${language}\n${source}`;
  const known = kept.get(key) ?? (highlighter.highlight(language, source).children as ElementContent[]);
  if (kept.size >= KEPT) kept.clear();
  kept.set(key, known);
  return known;
}
