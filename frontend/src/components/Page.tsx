import type { ReactNode } from "react";

import { cx } from "./cx";

interface PageProps {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  narrow?: boolean;
}

/** A page of the project: one heading, what can be done here, its sections. */
export function Page({ title, lead, actions, children, narrow = false }: PageProps) {
  return (
    <div className={cx("mx-auto grid w-full gap-5 px-4 py-6 sm:px-7", narrow ? "max-w-3xl" : "max-w-[90rem]")}>
      <title>{`${title} · Plackett`}</title>
      <header className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="me-auto grid min-w-0 gap-1">
          <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          {lead !== undefined && <p className="text-soft max-w-prose text-sm">{lead}</p>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface PanelProps {
  title?: string;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  flush?: boolean;
  /** For links to this box. */
  id?: string;
}

/** A white box with an optional heading; `flush` lets a table run to its edges. */
export function Panel({ title, actions, children, className, flush = false, id }: PanelProps) {
  return (
    <section
      id={id}
      className={cx(
        "scroll-mt-20 border-line bg-panel shadow-lift min-w-0 overflow-hidden rounded-2xl border",
        className,
      )}
    >
      {title !== undefined && (
        <header className="flex min-h-14 flex-wrap items-center gap-2 px-5 pt-3 pb-2">
          <h2 className="me-auto text-base font-semibold">{title}</h2>
          {actions}
        </header>
      )}
      <div className={cx(!flush && (title === undefined ? "p-5" : "px-5 pb-5"))}>{children}</div>
    </section>
  );
}
