import { Fragment } from "react";

import type { Assignment } from "@/api/types";
import { cx } from "@/components/cx";

import { cardById } from "./bench";

interface OrderLineProps {
  title: string;
  tiers: readonly (readonly number[])[];
  assignment: Assignment;
  isRight?: boolean;
}

/** An order in one line, best first: C, then A and B tied, then D. */
export function OrderLine({ title, tiers, assignment, isRight = false }: OrderLineProps) {
  return (
    <div className="border-line bg-sunken grid gap-2 rounded-xl border p-3">
      <h3 className="text-soft text-sm font-semibold">{title}</h3>
      <ol className="flex flex-wrap items-center gap-2">
        {tiers.map((tier, place) => (
          <Fragment key={tier.join()}>
            {place > 0 && (
              <li aria-hidden="true" className="text-soft">
                ›
              </li>
            )}
            <li className="flex items-center gap-1">
              {tier.map((id, index) => (
                <Fragment key={id}>
                  {index > 0 && <span className="text-soft text-xs">=</span>}
                  <span
                    className={cx(
                      "grid size-8 place-items-center rounded-lg font-bold",
                      isRight ? "bg-good-soft text-good" : "bg-accent-soft text-accent",
                    )}
                  >
                    {cardById(assignment, id)?.letter}
                  </span>
                </Fragment>
              ))}
            </li>
          </Fragment>
        ))}
      </ol>
    </div>
  );
}
