import type { ReactNode } from "react";

import { cx } from "./cx";

interface TableProps {
  caption: string;
  head: readonly ReactNode[];
  children: ReactNode;
  className?: string;
}

/** A table that scrolls sideways in its own frame where the page is too narrow for it. */
export function Table({ caption, head, children, className }: TableProps) {
  return (
    <div className={cx("overflow-x-auto", className)} tabIndex={0} role="region" aria-label={caption}>
      <table className="w-full text-start text-base">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-line border-b">
            {head.map((name, place) => (
              <th
                key={place}
                scope="col"
                className="text-soft px-5 py-2.5 text-start text-xs font-semibold whitespace-nowrap"
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-line divide-y">{children}</tbody>
      </table>
    </div>
  );
}

export function Cell({
  children,
  className,
  head = false,
}: {
  children: ReactNode;
  className?: string;
  head?: boolean;
}) {
  const look = cx("px-5 py-3 align-top", className);
  return head ? (
    <th scope="row" className={cx("min-w-36 text-start font-medium", look)}>
      {children}
    </th>
  ) : (
    <td className={look}>{children}</td>
  );
}
