import { type ReactNode, useEffect, useState } from "react";

import { problemOf } from "@/api/problem";
import { t } from "@/strings";

import { Button } from "./Button";
import { cx } from "./cx";
import type { Tone } from "./Pill";

const TONES: Record<Tone, string> = {
  neutral: "border-line bg-panel",
  accent: "border-accent/40 bg-accent-soft",
  good: "border-good/40 bg-good-soft",
  warn: "border-warn/40 bg-warn-soft",
  bad: "border-bad/40 bg-bad-soft",
};

interface NoticeProps {
  tone?: Tone;
  title?: ReactNode;
  children?: ReactNode;
  role?: "status" | "alert";
}

export function Notice({ tone = "neutral", title, children, role }: NoticeProps) {
  return (
    <div role={role} className={cx("grid gap-1 rounded-xl border px-4 py-3 text-base", TONES[tone])}>
      {title !== undefined && <p className="font-semibold">{title}</p>}
      {children}
    </div>
  );
}

/** What went wrong, what it means, what to do; with the request's id for whoever runs the service. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => unknown }) {
  const problem = problemOf(error);
  return (
    <Notice tone="bad" role="alert" title={problem.title}>
      <p>{problem.detail}</p>
      {problem.advice != null && <p className="text-soft text-sm">{problem.advice}</p>}
      {problem.errors != null && problem.errors.length > 1 && (
        <ul className="list-disc ps-5 text-sm">
          {problem.errors.map((one) => (
            <li key={`${one.field}:${one.detail}`}>{`${one.field}: ${one.detail}`}</li>
          ))}
        </ul>
      )}
      {problem.request_id != null && (
        <p className="text-soft font-mono text-xs">{t.common.request(problem.request_id)}</p>
      )}
      {onRetry !== undefined && (
        <div className="pt-1">
          <Button size="small" onClick={onRetry}>
            {t.common.retry}
          </Button>
        </div>
      )}
    </Notice>
  );
}

/** Teaches the next step where there is nothing yet. */
export function EmptyState({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="grid justify-items-center gap-2 px-6 py-12 text-center">
      <p className="text-lg font-semibold">{title}</p>
      <p className="text-soft max-w-md">{children}</p>
      {action !== undefined && <div className="pt-2">{action}</div>}
    </div>
  );
}

/** Nothing for 200 ms, then grey lines. */
export function Skeleton({ lines = 4, className }: { lines?: number; className?: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={t.common.loading} className={cx("grid gap-3 p-5", !shown && "invisible", className)}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={cx("bg-ink/8 h-4 animate-pulse rounded", line % 3 === 2 ? "w-3/5" : "w-full")} />
      ))}
    </div>
  );
}
