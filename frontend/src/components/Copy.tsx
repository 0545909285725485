import { useState } from "react";

import { t } from "@/strings";

import { Button } from "./Button";
import { Icon } from "./Icon";

export function CopyButton({ text, label = t.common.copy }: { text: string; label?: string }) {
  const [copied, setCopied] = useState<"no" | "yes" | "refused">("no");
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied("yes"),
      () => setCopied("refused"),
    );
  };
  return (
    <Button size="small" onClick={copy}>
      <Icon name={copied === "yes" ? "check" : "copy"} />
      <span aria-live="polite">
        {copied === "yes" ? t.common.copied : copied === "refused" ? t.common.copyByHand : label}
      </span>
    </Button>
  );
}

/** Text to paste elsewhere, with a button for it. */
export function CopyBlock({ text, label }: { text: string; label: string }) {
  return (
    <figure className="border-line bg-sunken min-w-0 overflow-hidden rounded-xl border">
      <figcaption className="border-line flex items-center gap-2 border-b py-1.5 pe-1.5 ps-4">
        <span className="me-auto text-sm font-semibold">{label}</span>
        <CopyButton text={text} />
      </figcaption>
      <pre tabIndex={0} aria-label={label} className="overflow-x-auto px-4 py-3 font-mono text-sm leading-6">
        {text}
      </pre>
    </figure>
  );
}
