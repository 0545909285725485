import { useState } from "react";

import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { fromSlug } from "@/components/format";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";

interface FlagsProps {
  bench: Bench;
  card: Card;
  isOpen: boolean;
}

/** What is wrong, or noteworthy, about one answer; chosen flags stay in sight when the list is closed. */
export function Flags({ bench, card, isOpen }: FlagsProps) {
  const [isUnfolded, setUnfolded] = useState(false);
  const own = bench.judgment.flags[card.id] ?? [];
  const isListed = isOpen || isUnfolded;
  const shown = isListed ? bench.assignment.form.flags : own;
  return (
    <div role="group" aria-label={t.desk.flagsTitle} className="flex min-w-0 flex-wrap gap-1.5">
      {shown.map((flag) => (
        <button
          key={flag}
          type="button"
          aria-pressed={own.includes(flag)}
          onMouseDown={keepFocus}
          onClick={() => bench.act({ type: "flag", id: card.id, flag })}
          className={cx(
            "min-h-8 rounded-full border px-3 text-left text-sm pointer-coarse:min-h-11",
            own.includes(flag)
              ? "border-warn bg-warn-soft text-warn font-semibold"
              : "border-edge/60 text-soft hover:border-warn",
          )}
        >
          {fromSlug(flag)}
        </button>
      ))}
      <button
        type="button"
        aria-expanded={isListed}
        onMouseDown={keepFocus}
        onClick={() => setUnfolded(!isUnfolded)}
        className="text-soft hover:text-ink min-h-8 rounded-full px-2 text-sm font-semibold pointer-coarse:min-h-11"
      >
        {isListed ? t.common.close : `+ ${t.desk.flagsShow(own.length)}`}
      </button>
    </div>
  );
}
