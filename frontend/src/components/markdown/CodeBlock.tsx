import { type MouseEvent, type ReactNode, useState } from "react";

import { t } from "@/strings";

import { Icon } from "@/components/Icon";
import { Sideways } from "./Sideways";

interface CodeBlockProps {
  source: string;
  language: string;
  children: ReactNode;
}

/** A block of code: its language, a button that copies it, its lines unbroken. */
export function CodeBlock({ source, language, children }: CodeBlockProps) {
  return (
    <div dir="ltr" className="code-block">
      <div className="code-head">
        <span className="code-language">{language}</span>
        <CopyCode source={source} />
      </div>
      <Sideways label={t.reading.code}>
        <pre>{children}</pre>
      </Sideways>
    </div>
  );
}

function CopyCode({ source }: { source: string }) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle");
  const copy = (event: MouseEvent) => {
    event.stopPropagation();
    navigator.clipboard.writeText(source.replace(/\n$/, "")).then(
      () => setState("copied"),
      () => setState("refused"),
    );
  };
  const words = { idle: t.reading.copyCode, copied: t.common.copied, refused: t.common.copyByHand }[state];
  // The desk keeps its focus: its keys go on working after a click here.
  return (
    <button type="button" className="code-copy" onMouseDown={(event) => event.preventDefault()} onClick={copy}>
      <Icon name={state === "copied" ? "check" : "copy"} className="size-3.5" />
      <span aria-live="polite">{words}</span>
    </button>
  );
}
