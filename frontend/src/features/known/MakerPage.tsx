import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { completionsQuery } from "@/api/prompts";
import type { KnownPurpose, Prompt } from "@/api/types";
import { buttonClass } from "@/components/Button";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

import { OrderForm } from "./OrderForm";
import { PromptChoice } from "./PromptChoice";

interface MakerPageProps {
  projectId: number;
  purpose: KnownPurpose;
}

/** Makes a gold or practice task: a prompt, its answers, their right order, and why. */
export function MakerPage({ projectId, purpose }: MakerPageProps) {
  const [prompt, setPrompt] = useState<Prompt | null>(null);
  return (
    <Page
      title={t.quality.makerTitle}
      lead={t.quality.makerLead}
      actions={
        <Link to="/p/$projectId/known" params={{ projectId }} className={buttonClass()}>
          {t.quality.back}
        </Link>
      }
    >
      {prompt === null ? (
        <PromptChoice projectId={projectId} onChoose={setPrompt} />
      ) : (
        <Chosen
          key={prompt.id}
          projectId={projectId}
          prompt={prompt}
          purpose={purpose}
          onOther={() => setPrompt(null)}
        />
      )}
    </Page>
  );
}

interface ChosenProps extends MakerPageProps {
  prompt: Prompt;
  onOther: () => void;
}

function Chosen({ projectId, prompt, purpose, onOther }: ChosenProps) {
  const completions = useQuery(completionsQuery(projectId, prompt.id));
  if (completions.isPending) return <Skeleton lines={6} />;
  if (completions.isError) return <ErrorNote error={completions.error} onRetry={completions.refetch} />;
  if (completions.data.items.length < 2) {
    return (
      <Panel>
        <EmptyState title={t.quality.choosePromptEmpty}>{t.quality.choosePromptEmptyText}</EmptyState>
      </Panel>
    );
  }
  return (
    <OrderForm
      projectId={projectId}
      prompt={prompt}
      completions={completions.data.items}
      purpose={purpose}
      onOther={onOther}
    />
  );
}
