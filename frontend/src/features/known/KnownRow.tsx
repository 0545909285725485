import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { retireKnownAnswer } from "@/api/quality";
import type { KnownAnswer } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount, formatPercent } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { ErrorNote } from "@/components/Notice";
import { ProgressBar } from "@/components/Progress";
import { t } from "@/strings";

const GOOD_FROM = 0.7;

/** One task with a known order; opened, its answers in that order and the reason. */
export function KnownRow({ known, projectId }: { known: KnownAnswer; projectId: number }) {
  const [isOpen, setOpen] = useState(false);
  const words = t.quality;
  return (
    <li className="grid gap-3 px-5 py-4">
      <div className="grid gap-3 md:grid-cols-[minmax(0,1fr)_13rem_auto] md:items-center md:gap-6">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          className="hover:text-accent grid gap-0.5 text-start"
        >
          <span dir="auto" className="line-clamp-2">
            {known.prompt_excerpt}
          </span>
          <span className="text-soft text-sm">{words.places(known.tiers.length)}</span>
        </button>
        <Agreement known={known} />
        <TakeOut known={known} projectId={projectId} />
      </div>
      {isOpen && <Order known={known} />}
    </li>
  );
}

function Agreement({ known }: { known: KnownAnswer }) {
  const { mean_agreement: mean, judged } = known;
  if (mean === null) return <p className="text-soft text-sm">{t.quality.judgedBy(formatCount(0), 0)}</p>;
  return (
    <div className="grid gap-1">
      <p className="flex items-baseline gap-2 text-sm">
        <span className={mean < GOOD_FROM ? "text-warn font-semibold" : "font-semibold"}>{formatPercent(mean)}</span>
        <span className="text-soft">{t.quality.judgedBy(formatCount(judged), judged)}</span>
      </p>
      <ProgressBar label={t.quality.agreement} value={mean} />
    </div>
  );
}

function TakeOut({ known, projectId }: { known: KnownAnswer; projectId: number }) {
  const [asks, setAsks] = useState(false);
  const queries = useQueryClient();
  const retire = useMutation({
    mutationFn: () => retireKnownAnswer(projectId, known.task_id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["known-answers", projectId] }),
  });
  if (!asks) {
    return (
      <Button
        size="small"
        aria-label={t.quality.takeOutThis(known.prompt_excerpt)}
        onClick={() => setAsks(true)}
        className="justify-self-start"
      >
        {t.quality.takeOut}
      </Button>
    );
  }
  return (
    <div className="grid gap-1.5">
      <p className="text-soft max-w-56 text-sm">{t.quality.takeOutText}</p>
      <div className="flex gap-2">
        <Button size="small" variant="danger" busy={retire.isPending} onClick={() => retire.mutate()}>
          {t.quality.takeOut}
        </Button>
        <Button size="small" onClick={() => setAsks(false)}>
          {t.common.cancel}
        </Button>
      </div>
      {retire.isError && <ErrorNote error={retire.error} />}
    </div>
  );
}

function Order({ known }: { known: KnownAnswer }) {
  const texts = new Map(known.completions.map((one) => [one.id, one.text]));
  return (
    <div className="grid gap-3">
      <ol className="grid gap-2">
        {known.tiers.map((tier, place) => (
          <li key={place} className="grid grid-cols-[1.75rem_minmax(0,1fr)] gap-2">
            <span className="text-accent bg-accent-soft grid size-7 place-items-center rounded-md text-sm font-bold">
              {place + 1}
            </span>
            <div className="grid gap-2">
              {tier.map((id) => (
                <div key={id} className="border-line bg-sunken rounded-lg border px-4 py-2">
                  <Markdown text={texts.get(id) ?? ""} className="max-w-[75ch]" />
                </div>
              ))}
            </div>
          </li>
        ))}
      </ol>
      {known.explanation !== "" && (
        <div className="border-line border-s-2 ps-4">
          <p className="text-soft text-sm font-semibold">{t.quality.explanation}</p>
          <Markdown text={known.explanation} className="max-w-[75ch]" />
        </div>
      )}
    </div>
  );
}
