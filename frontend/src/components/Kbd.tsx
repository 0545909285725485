import type { ReactNode } from "react";

/** A key's cap; shown only where there is a keyboard to press. */
export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="border-line bg-panel text-soft inline-grid h-5 min-w-5 place-items-center rounded-[5px] border border-b-2 px-1 font-mono text-[11px] leading-none font-semibold pointer-coarse:hidden">
      {children}
    </kbd>
  );
}
