/** What a parsed text needs to stand in a page among others: directions, headings below the page's own, no anchors. */
import type { Element, ElementContent, Root } from "hast";

import { type Parent, textOf } from "./text";

const AUTOMATIC = new Set(["p", "li", "td", "th", "h3", "h4", "h5", "h6"]);
/** Blocks whose inset or marks stand on the side where their first words begin. */
const SIDED = new Set(["ul", "ol", "blockquote", "table"]);
const RIGHT_TO_LEFT = /^\P{L}*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const HEADING = /^h[1-6]$/;
/** A page's and an answer's own headings take the first two levels. */
const TOP = 3;
const HIDDEN = /([\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff])/;

/** Settles the blocks of a tree in place. */
export function settle(root: Root): void {
  lowerHeadings(root);
  root.children = root.children.map((child) => (child.type === "element" ? settled(child) : child));
}

function settled(element: Element): Element {
  if (element.tagName === "code") return codeOf(element);
  element.children = element.children
    .filter((child) => child.type !== "element" || child.properties.dataFootnoteBackref === undefined)
    .map((child) => (child.type === "element" ? settled(child) : child));
  const { tagName, properties } = element;
  if (tagName === "a" && isInside(properties.href)) return { ...element, tagName: "span" };
  if (AUTOMATIC.has(tagName)) properties.dir = "auto";
  // `dir="auto"` looks past elements with a direction of their own: a list would never find its items' words.
  if (SIDED.has(tagName)) properties.dir = RIGHT_TO_LEFT.test(textOf(element)) ? "rtl" : "ltr";
  return tagName === "table" ? sideways(element) : element;
}

const OUTSIDE = /^(?:https?:\/\/|mailto:)/i;

/** An address inside this service: a footnote's, whose anchors other texts would have too, or one made to be followed. */
function isInside(href: Element["properties"][string]): boolean {
  return typeof href !== "string" || !OUTSIDE.test(href);
}

function headingsOf(parent: Parent): Element[] {
  return parent.children.flatMap((child) => {
    if (child.type !== "element") return [];
    return HEADING.test(child.tagName) ? [child] : headingsOf(child);
  });
}

/** The levels that a text uses, from `TOP` on and never one left out: whoever walks by headings expects the next one. */
function lowerHeadings(root: Root): void {
  const headings = headingsOf(root);
  const levels = [...new Set(headings.map(({ tagName }) => tagName))].sort();
  let last = TOP - 1;
  for (const heading of headings) {
    last = Math.min(TOP + levels.indexOf(heading.tagName), last + 1, 6);
    heading.tagName = `h${last}`;
  }
}

/** Code reads from left to right, and what would turn or hide parts of it is shown. */
function codeOf(code: Element): Element {
  code.properties.dir = "ltr";
  code.children = code.children.flatMap((child) => (child.type === "text" ? shownSigns(child.value) : [child]));
  return code;
}

function shownSigns(value: string): ElementContent[] {
  return value.split(HIDDEN).flatMap((piece, place): ElementContent[] => {
    if (piece === "") return [];
    const text: ElementContent = { type: "text", value: piece };
    if (place % 2 === 0) return [text];
    const name = `U+${piece.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    return [
      { type: "element", tagName: "span", properties: { className: ["sign"], dataSign: name }, children: [text] },
    ];
  });
}

/** Wide content in a box that alone scrolls sideways. */
function sideways(element: Element): Element {
  const properties = { className: ["sideways"], dir: element.properties.dir };
  return { type: "element", tagName: "div", properties, children: [element] };
}
