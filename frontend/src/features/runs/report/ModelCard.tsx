import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { cardPath, cardQuery, reportPath } from "@/api/runs";
import { Button, buttonClass } from "@/components/Button";
import { Icon } from "@/components/Icon";
import { Markdown } from "@/components/Markdown";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { bodyOf } from "./wording";

/** The card that lies beside the weights: to read, and to take along. */
export function ModelCard({ runId }: { runId: number }) {
  const [shown, setShown] = useState(false);
  return (
    <Panel id="card" title={t.report.card}>
      <div className="grid gap-4">
        <p className="text-soft max-w-prose text-sm">{t.report.cardText}</p>
        <div className="flex flex-wrap gap-2">
          <a href={cardPath(runId)} download={`model-card-run-${runId}.md`} className={buttonClass()}>
            <Icon name="download" />
            {t.report.downloadCard}
          </a>
          <a href={reportPath(runId)} download={`report-run-${runId}.json`} className={buttonClass()}>
            <Icon name="download" />
            {t.report.reportJson}
          </a>
          <Button aria-expanded={shown} onClick={() => setShown(!shown)}>
            {shown ? t.report.hideCard : t.report.showCard}
          </Button>
        </div>
        {shown && <Text runId={runId} />}
      </div>
    </Panel>
  );
}

function Text({ runId }: { runId: number }) {
  const card = useQuery(cardQuery(runId));
  if (card.isError) return <ErrorNote error={card.error} onRetry={card.refetch} />;
  if (card.data === undefined) return <Skeleton />;
  return (
    <div lang="en" className="border-line bg-sunken rounded-xl border p-5">
      <Markdown text={bodyOf(card.data)} />
    </div>
  );
}
