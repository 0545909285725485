import type { ReactNode } from "react";

interface BlockProps {
  title: string;
  text?: string | undefined;
  children: ReactNode;
}

/** A part of a panel: a small heading, a line on how to read it, the figures. */
export function Block({ title, text, children }: BlockProps) {
  return (
    <section className="grid min-w-0 content-start gap-2">
      <div>
        <h3 className="font-semibold">{title}</h3>
        {text !== undefined && <p className="text-soft max-w-prose text-sm">{text}</p>}
      </div>
      {children}
    </section>
  );
}

/** Numbers behind a picture, one click away. */
export function Behind({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className="min-w-0">
      <summary className="text-soft hover:text-ink w-fit rounded-md py-1 text-sm font-semibold pointer-coarse:py-3">
        {title}
      </summary>
      <div className="pt-2">{children}</div>
    </details>
  );
}
