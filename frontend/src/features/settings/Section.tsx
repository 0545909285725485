import type { ReactNode } from "react";

import { Panel } from "@/components/Page";

/** A group of settings that belong together, and one sentence about them. */
export function Section({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <Panel title={title}>
      {lead !== undefined && <p className="text-soft -mt-1 pb-4 text-sm">{lead}</p>}
      <div className="grid gap-5">{children}</div>
    </Panel>
  );
}

/** Fields beside one another where there is room. */
export function Pair({ children }: { children: ReactNode }) {
  return <div className="grid gap-x-4 gap-y-5 sm:grid-cols-2">{children}</div>;
}
