import { memo, type MouseEvent, useMemo, useState } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import rehypeSanitize from "rehype-sanitize";
import remarkGfm from "remark-gfm";

import { t } from "@/strings";

import { Button, buttonClass } from "./Button";
import { cx } from "./cx";
import { Dialog } from "./Dialog";
import { rehypeMarkWords, remarkPlainText } from "./plainText";

interface MarkdownProps {
  text: string;
  /** Words to mark, in lower case. */
  marked?: ReadonlySet<string> | undefined;
  raw?: boolean;
  className?: string;
}

/** Text that a person or a model wrote: no scripts, no images, no address opened without a question. */
export const Markdown = memo(function Markdown({ text, marked, raw = false, className }: MarkdownProps) {
  const [asked, setAsked] = useState<string | null>(null);
  const rehype = useMemo(
    () => (marked === undefined ? [rehypeSanitize] : [rehypeSanitize, rehypeMarkWords(marked)]),
    [marked],
  );
  const components = useMemo<Components>(() => ({ a: confirmedLink(setAsked) }), []);
  if (raw) {
    return (
      <p dir="auto" className={cx("font-mono text-sm leading-6 wrap-anywhere whitespace-pre-wrap", className)}>
        {text}
      </p>
    );
  }
  return (
    <div dir="auto" className={cx("prose", className)}>
      <ReactMarkdown remarkPlugins={[remarkGfm, remarkPlainText]} rehypePlugins={rehype} components={components}>
        {text}
      </ReactMarkdown>
      {asked !== null && <LinkQuestion address={asked} onClose={() => setAsked(null)} />}
    </div>
  );
});

function confirmedLink(ask: (address: string) => void): NonNullable<Components["a"]> {
  return function ConfirmedLink({ href, children }) {
    const question = (event: MouseEvent) => {
      event.preventDefault();
      event.stopPropagation();
      if (href !== undefined) ask(href);
    };
    return (
      <a href={href} rel="noreferrer noopener" target="_blank" onClick={question} onAuxClick={question}>
        {children}
      </a>
    );
  };
}

function LinkQuestion({ address, onClose }: { address: string; onClose: () => void }) {
  return (
    <Dialog title={t.common.linkTitle} onClose={onClose}>
      <p className="text-soft">{t.common.linkText}</p>
      <p className="bg-code rounded-lg px-3 py-2 font-mono text-sm break-all">{address}</p>
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
