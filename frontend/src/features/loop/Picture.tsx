import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Loop, ModelVersion, Run } from "@/api/types";
import { cx } from "@/components/cx";
import { formatCount, formatFigure, formatPercent } from "@/components/format";
import { Icon } from "@/components/Icon";
import { Pill } from "@/components/Pill";
import { ProgressBar } from "@/components/Progress";
import { t } from "@/strings";

/** The cycle as one picture: five stations, the live ones marked, what moves shown as a bar. */
export function Picture({ loop }: { loop: Loop }) {
  const { prompts, completions, tasks, rankings, comparisons } = loop;
  const running = (kind: string) => loop.active_runs.find((run) => run.kind === kind && run.state !== "queued");
  return (
    <ol className="border-line bg-panel shadow-lift grid rounded-2xl border md:grid-cols-5">
      <Station
        isFirst
        title={t.loop.prompts}
        figure={formatCount(prompts.total)}
        to="/p/$projectId/prompts"
        loop={loop}
      >
        {t.loop.splits(formatCount(prompts.train), formatCount(prompts.validation), formatCount(prompts.test))}
      </Station>
      <Station title={t.loop.completions} figure={formatCount(completions.total)} run={running("sample")} loop={loop}>
        {t.loop.tasks(formatCount(tasks.open), formatCount(tasks.done))}
      </Station>
      <Station title={t.loop.rankings} figure={formatCount(rankings.total)} to="/p/$projectId/datasets" loop={loop}>
        {t.loop.comparisons(formatCount(comparisons.total), formatCount(comparisons.ties))}
        <br />
        {t.loop.today(formatCount(rankings.today))}
      </Station>
      <Station
        title={t.loop.rewardModel}
        figure={nameOf(loop.reward_model)}
        isLive={loop.reward_model !== null}
        run={running("reward")}
        to="/p/$projectId/models"
        loop={loop}
      >
        {accuracyOf(loop.reward_model)}
        {comparisons.new > 0 && <span className="block">{t.loop.newSince(formatCount(comparisons.new))}</span>}
      </Station>
      <Station
        title={t.loop.policy}
        figure={nameOf(loop.policy)}
        isLive={loop.policy !== null}
        run={running("ppo")}
        to="/p/$projectId/models"
        loop={loop}
      >
        {loop.policy?.kind === "policy" ? klOf(loop.policy) : t.loop.untrained}
      </Station>
    </ol>
  );
}

function nameOf(model: ModelVersion | null): string {
  return model === null ? t.loop.none : t.runs.models.number(t.runs.models.kinds[model.kind], model.number);
}

function metric(model: ModelVersion | null, ...names: string[]): number | null {
  const found = names.map((name) => model?.metrics[name]).find((value) => typeof value === "number");
  return typeof found === "number" ? found : null;
}

function accuracyOf(model: ModelVersion | null): string | null {
  const accuracy = metric(model, "accuracy/held_out");
  return accuracy === null ? null : t.loop.accuracy(formatPercent(accuracy));
}

function klOf(model: ModelVersion): string | null {
  const kl = metric(model, "eval/kl");
  return kl === null ? null : t.loop.kl(formatFigure(kl));
}

interface StationProps {
  title: string;
  figure: string;
  loop: Loop;
  isLive?: boolean;
  isFirst?: boolean;
  run?: Run | undefined;
  to?: "/p/$projectId/prompts" | "/p/$projectId/datasets" | "/p/$projectId/models";
  children: ReactNode;
}

function Station({ title, figure, loop, isLive = false, isFirst = false, run, to, children }: StationProps) {
  const projectId = loop.policy?.project_id ?? loop.cycle?.project_id;
  const { step, total } = run?.progress ?? {};
  const name = <span className="text-soft text-sm font-semibold">{title}</span>;
  const isFigure = /^[\d,]+$/.test(figure);
  return (
    <li
      className={cx(
        "border-line relative grid content-start gap-1 px-5 py-5 not-first:border-t md:not-first:border-t-0 md:not-first:border-l",
        run !== undefined && "bg-accent-soft/60",
        "first:rounded-t-2xl last:rounded-b-2xl md:first:rounded-tr-none md:first:rounded-bl-2xl md:last:rounded-r-2xl md:last:rounded-bl-none",
      )}
    >
      {!isFirst && (
        <span
          aria-hidden="true"
          className="border-line bg-panel text-edge absolute -top-3 left-5 z-10 grid size-6 place-items-center rounded-full border md:top-6 md:-left-3"
        >
          <Icon name="arrow" className="size-3.5 max-md:rotate-90" />
        </span>
      )}
      <p className="flex min-h-6 items-center gap-2">
        {to !== undefined && projectId !== undefined ? (
          <Link to={to} params={{ projectId }} className="underline-offset-2 hover:underline">
            {name}
          </Link>
        ) : (
          name
        )}
        {isLive && <Pill tone="good">{t.loop.live}</Pill>}
      </p>
      <p className={cx("font-semibold tracking-tight tabular-nums", isFigure ? "text-2xl" : "text-xl leading-9")}>
        {figure}
      </p>
      {run !== undefined && (
        <ProgressBar
          label={t.runs.title(run.kind, run.id)}
          value={step != null && total ? step / total : null}
          className="my-1"
        />
      )}
      <p className="text-soft text-sm">{children}</p>
    </li>
  );
}
