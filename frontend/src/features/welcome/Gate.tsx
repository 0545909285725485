import type { ReactNode } from "react";

import { Mark } from "@/components/Icon";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { t } from "@/strings";

interface GateProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}

/** The quiet page in front of the product. */
export function Gate({ title, lead, children }: GateProps) {
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-md content-center gap-6 px-5 py-10">
      <title>{`${title} · Plackett`}</title>
      <div className="flex items-center gap-2.5 font-semibold tracking-tight">
        <Mark className="size-8" />
        {t.shell.brand}
        <LanguageSwitch isWide className="ms-auto -me-3" />
      </div>
      <div className="grid gap-2">
        <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
        {lead !== undefined && <p className="text-soft">{lead}</p>}
      </div>
      {children}
    </main>
  );
}
