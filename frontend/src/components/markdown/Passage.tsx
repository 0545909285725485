import type { Element, Root } from "hast";
import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { type MouseEvent, type ReactNode, useMemo, useState } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

import { t } from "@/strings";

import { Button, buttonClass } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { CodeBlock } from "./CodeBlock";
import { type Range, withMarks } from "./marks";
import { safe } from "./safe";
import { Sideways } from "./Sideways";
import { textOf } from "./text";
import type { Parts } from "./useParts";

interface PassageProps {
  root: Root;
  parts: Parts;
  ranges?: readonly Range[] | undefined;
}

/** A parsed text, or a part of one, as elements. The allow-list is the last to touch it. */
export function Passage({ root, parts, ranges }: PassageProps): ReactNode {
  const [asked, setAsked] = useState<string | null>(null);
  const { colours, formulas } = parts;
  // Made once: components of other identity would put new elements into the page, and a click in between hits none.
  const components = useMemo(() => componentsFor(setAsked), []);
  const content = useMemo(() => {
    const painted = colours === null ? root : colours(root);
    const spoken = { before: t.reading.differs, after: t.reading.differsEnd };
    const marked = ranges === undefined ? painted : withMarks(painted, ranges, spoken);
    const set = formulas === null ? marked : formulas(marked);
    const options = { Fragment, jsx, jsxs, components, passNode: true };
    return toJsxRuntime(safe(set), options) as ReactNode;
  }, [root, colours, formulas, ranges, components]);
  return (
    <>
      {content}
      {asked !== null && <LinkQuestion address={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

interface NodeProps {
  node?: Element | undefined;
  children?: ReactNode;
}

function componentsFor(ask: (address: string) => void) {
  return {
    a: confirmedLink(ask),
    pre: ({ node, children }: NodeProps) => (
      <CodeBlock source={node === undefined ? "" : textOf(node)} language={languageOf(node)}>
        {children}
      </CodeBlock>
    ),
    input: ({ checked }: { checked?: boolean }) => (
      <input type="checkbox" disabled checked={checked === true} aria-label={checkedName(checked)} />
    ),
    div: ({ dir, children }: NodeProps & { dir?: "ltr" | "rtl" }) => (
      <Sideways label={t.reading.table} dir={dir}>
        {children}
      </Sideways>
    ),
  };
}

function checkedName(checked = false): string {
  return checked ? t.reading.done : t.reading.notDone;
}

function languageOf(pre: Element | undefined): string {
  const code = pre?.children.find((child) => child.type === "element");
  const names = code?.properties.className;
  return Array.isArray(names) ? String(names[0]).replace(/^language-/, "") : "";
}

function confirmedLink(ask: (address: string) => void) {
  return function ConfirmedLink({ href, children }: NodeProps & { href?: string }) {
    const question = (event: MouseEvent) => {
      event.preventDefault();
      event.stopPropagation();
      if (href !== undefined) ask(href);
    };
    if (href === undefined) return <span>{children}</span>;
    return (
      <a
        href={href}
        rel="noreferrer noopener"
        target="_blank"
        draggable={false}
        onClick={question}
        onAuxClick={question}
      >
        {children}
      </a>
    );
  };
}

/** The address as the browser will read it: a look-alike host shows itself in Punycode. */
function addressAsRead(address: string): string {
  return URL.parse(address)?.href ?? address;
}

function LinkQuestion({ address, onClose }: { address: string; onClose: () => void }) {
  return (
    <Dialog title={t.common.linkTitle} onClose={onClose}>
      <p className="text-soft">{t.common.linkText}</p>
      <p dir="ltr" className="bg-code rounded-lg px-3 py-2 font-mono text-sm break-all">
        {addressAsRead(address)}
      </p>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <a
          href={address}
          target="_blank"
          rel="noreferrer noopener"
          onClick={onClose}
          className={buttonClass("primary")}
        >
          {t.common.linkOpen}
        </a>
      </div>
    </Dialog>
  );
}
