import type { RunSample } from "@/api/runs";
import { formatFigure } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

/** What the model wrote, prompt by prompt, so that early and late stand side by side. */
export function Samples({ samples }: { samples: readonly RunSample[] }) {
  if (samples.length === 0) return null;
  const prompts = [...new Set(samples.map((sample) => sample.prompt))];
  return (
    <Panel title={t.runs.samples}>
      <div className="divide-line grid divide-y">
        {prompts.map((prompt) => (
          <section key={prompt} className="grid gap-3 py-5 first:pt-0 last:pb-0">
            <h3 dir="auto" className="max-w-[80ch] font-semibold whitespace-pre-wrap">
              {prompt}
            </h3>
            <div className="grid gap-3 md:grid-cols-2">
              {samples
                .filter((sample) => sample.prompt === prompt)
                .map((sample, place) => (
                  <article key={place} className="border-line bg-sunken grid content-start gap-2 rounded-xl border p-4">
                    <p className="flex gap-2">
                      {sample.step !== null && <Pill>{t.runs.sampleStep(sample.step)}</Pill>}
                      {sample.score !== null && <Pill tone="accent">{t.runs.score(formatFigure(sample.score))}</Pill>}
                    </p>
                    <Markdown text={sample.completion} />
                  </article>
                ))}
            </div>
          </section>
        ))}
      </div>
    </Panel>
  );
}
