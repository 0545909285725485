import { memo, useMemo, useRef, useState } from "react";

import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { formatCount } from "@/components/format";
import { Markdown, Source } from "@/components/Markdown";
import { t } from "@/strings";

import { type Fold, foldOf, type Limits, part } from "./fold";
import { Passage } from "./Passage";
import { type Reading, readingOf } from "./reading";
import { useParts } from "./useParts";

interface FoldedProps {
  text: string;
  raw: boolean;
  limits: Limits;
  className?: string;
}

/** A text whose middle stays folded while it is very long, with a count of what is hidden. */
export const FoldedMarkdown = memo(function FoldedMarkdown({ text, raw, limits, className }: FoldedProps) {
  const reading = raw ? null : readingOf(text);
  const fold = useMemo(() => foldOf(reading?.text ?? text, limits), [reading, text, limits]);
  const [isOpen, setIsOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  if (fold === null) return <Markdown text={text} raw={raw} className={className} />;
  const turn = (open: boolean) => {
    setIsOpen(open);
    // The button that was pressed goes; whoever uses a keyboard goes on from here.
    box.current?.focus({ preventScroll: open });
  };
  return (
    <div ref={box} tabIndex={-1} className="grid justify-items-start gap-3 outline-none">
      {isOpen ? (
        <>
          <Markdown text={text} raw={raw} className={className} />
          <Button size="small" aria-expanded onClick={() => turn(false)}>
            {t.reading.showLess}
          </Button>
        </>
      ) : (
        <>
          <Ends text={text} reading={reading} fold={fold} className={className} isTail={false} />
          <Button size="small" aria-expanded={false} onClick={() => turn(true)}>
            {t.reading.hiddenWords(formatCount(fold.words), fold.words === 1)}
          </Button>
          <Ends text={text} reading={reading} fold={fold} className={className} isTail />
        </>
      )}
    </div>
  );
});

interface EndsProps {
  text: string;
  reading: Reading | null;
  fold: Fold;
  isTail: boolean;
  className: string | undefined;
}

/** What stands before, or after, the hidden middle. */
function Ends({ text, reading, fold, isTail, className }: EndsProps) {
  const parts = useParts(reading);
  const length = reading?.text.length ?? text.length;
  const [from, to] = isTail ? [fold.to, length] : [0, fold.from];
  const root = useMemo(() => (reading === null ? null : part(reading.root, from, to)), [reading, from, to]);
  if (from >= to) return null;
  if (root === null) return <Source text={text.slice(from, to)} className={className} />;
  return (
    <div dir="auto" className={cx("prose", className)}>
      <Passage root={root} parts={parts} />
    </div>
  );
}
