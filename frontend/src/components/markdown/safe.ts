/** The allow-list: the last step before a text that somebody or a model wrote becomes elements of the page. */
import type { Root } from "hast";
import { sanitize, type Schema } from "hast-util-sanitize";

const DIRECTION: [string, ...string[]] = ["dir", "auto", "ltr", "rtl"];
const LENGTH = String.raw`-?\d{1,2}(?:\.\d+)?(?:em|ex|pt|px)?`;
const RULE = [
  String.raw`padding(?:-(?:top|right|bottom|left))?:${LENGTH}(?: ${LENGTH}){0,3}`,
  String.raw`border(?:-(?:top|right|bottom|left))?:${LENGTH} (?:solid|dashed)`,
  String.raw`width:(?:50|100)%`,
  String.raw`math-depth:\d`,
].join("|");

/** What a formula's parts may set by themselves: insets, rules between cells, a tag's share of the line. */
export const FORMULA_STYLE = new RegExp(`^(?:${RULE})$`);
const FORMULA_STYLES = new RegExp(`^(?:(?:${RULE});)+$`);
const FORMULA_CLASS =
  /^(?:tml-[a-z0-9-]+|mathcal|mathscr|upstrike|downstrike|sout|chr-[a-z-]+|wbk-[a-z-]+|ff-[a-z-]+)$/;
const SIZE = /^-?(?:\d{0,2}(?:\.\d+)?(?:em|ex|pt|px|mu)?)$/;
const FLAG = /^(?:true|false)$/;

const FORMULA = [
  "mfrac",
  "msqrt",
  "mroot",
  "msub",
  "msup",
  "msubsup",
  "munder",
  "mover",
  "munderover",
  "mmultiscripts",
];
const FORMULA_TAGS = [
  ...["math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mpadded", "mphantom", "menclose", "mprescripts"],
  ...["mtable", "mtr", "mtd", ...FORMULA],
];
const OF_FORMULAS: Schema["attributes"] = Object.fromEntries(
  FORMULA_TAGS.map((tag) => [
    tag,
    [
      ["className", FORMULA_CLASS],
      ["style", FORMULA_STYLES],
      ["displaystyle", FLAG],
      ["scriptlevel", /^[0-3]$/],
      ["accent", FLAG],
      ["accentunder", FLAG],
      ["stretchy", FLAG],
      ["fence", FLAG],
      ["separator", FLAG],
      ["movablelimits", FLAG],
      ["largeop", FLAG],
      ["symmetric", FLAG],
      ["form", "prefix", "infix", "postfix"],
      ["mathvariant", "normal"],
      ["linethickness", SIZE],
      ["minsize", SIZE],
      ["maxsize", SIZE],
      ["mathsize", SIZE],
      ["lspace", SIZE],
      ["rspace", SIZE],
      ["width", SIZE],
      ["height", SIZE],
      ["depth", SIZE],
      ["voffset", SIZE],
      ["display", "block", "inline"],
      ["columnspan", /^\d{1,2}$/],
    ],
  ]),
);

const SCHEMA: Schema = {
  tagNames: [
    ...["a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "input", "li", "mark", "ol"],
    ...["p", "pre", "section", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"],
    ...FORMULA_TAGS,
  ],
  attributes: {
    ...OF_FORMULAS,
    a: ["href"],
    blockquote: [DIRECTION],
    code: [["className", /^language-./, "math", "math-inline", "math-display"], DIRECTION],
    div: [["className", "sideways"], DIRECTION],
    h3: [DIRECTION],
    h4: [DIRECTION],
    h5: [DIRECTION],
    h6: [DIRECTION],
    input: [["disabled", true], ["type", "checkbox"], "checked"],
    li: [["className", "task-list-item"], DIRECTION],
    mark: ["dataBefore", "dataAfter"],
    ol: [["className", "contains-task-list"], "start", DIRECTION],
    p: [DIRECTION],
    span: [["className", /^(?:hljs-[a-z_-]+|[a-z]+_|formula|formula-display|sign)$/], "dataSign"],
    table: [DIRECTION],
    td: ["align", DIRECTION],
    th: ["align", DIRECTION],
    ul: [["className", "contains-task-list"], DIRECTION],
  },
  ancestors: { tbody: ["table"], td: ["table"], th: ["table"], thead: ["table"], tr: ["table"] },
  protocols: { href: ["http", "https", "mailto"] },
  required: { input: { disabled: true, type: "checkbox" } },
  strip: ["script"],
};

/** The tree with nothing in it that is not on the list. */
export function safe(root: Root): Root {
  return sanitize(root, SCHEMA) as Root;
}
