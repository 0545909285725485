import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { promptSetsQuery } from "@/api/prompts";
import type { PromptSet } from "@/api/types";
import { Button } from "@/components/Button";
import { formatCount } from "@/components/format";
import { Icon } from "@/components/Icon";
import { ErrorNote } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Pill, type Tone } from "@/components/Pill";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { DemonstrationsDialog } from "./DemonstrationsDialog";
import { PromptList } from "./PromptList";
import { Staged } from "./Staged";
import { TextDialog } from "./TextDialog";
import { UploadDialog } from "./UploadDialog";

export function PromptsPage({ projectId }: { projectId: number }) {
  const sets = useQuery(promptSetsQuery(projectId));
  const [uploads, setUploads] = useState(false);
  const [demonstrates, setDemonstrates] = useState(false);
  const [sendsText, setSendsText] = useState(false);
  const [looked, setLooked] = useState<PromptSet | null>(null);
  const upload = (
    <Button variant="primary" onClick={() => setUploads(true)}>
      <Icon name="upload" />
      {t.project.upload}
    </Button>
  );
  const actions = (
    <>
      <Button onClick={() => setSendsText(true)}>{t.project.texts}</Button>
      <Button onClick={() => setDemonstrates(true)}>{t.project.demonstrations}</Button>
      {upload}
    </>
  );
  const fresh = sets.data?.items.find((one) => one.id === looked?.id) ?? looked;
  return (
    <Page title={t.shell.prompts} lead={t.project.promptsLead} actions={actions}>
      {fresh !== null && (
        <Staged key={fresh.id} promptSet={fresh} projectId={projectId} onDone={() => setLooked(null)} />
      )}
      {sets.isError && <ErrorNote error={sets.error} onRetry={sets.refetch} />}
      {sets.data !== undefined && sets.data.items.length > 0 && (
        <Panel title={t.project.sets} flush>
          <Table caption={t.project.sets} head={t.project.setColumns}>
            {sets.data.items.map((one) => (
              <SetRow key={one.id} promptSet={one} onLook={() => setLooked(one)} />
            ))}
          </Table>
        </Panel>
      )}
      <PromptList projectId={projectId} upload={upload} />
      {sendsText && <TextDialog projectId={projectId} onClose={() => setSendsText(false)} />}
      {demonstrates && <DemonstrationsDialog projectId={projectId} onClose={() => setDemonstrates(false)} />}
      {uploads && (
        <UploadDialog
          projectId={projectId}
          onClose={() => setUploads(false)}
          onStaged={(staged) => {
            setUploads(false);
            setLooked(staged);
          }}
        />
      )}
    </Page>
  );
}

const TONES: Record<PromptSet["state"], Tone> = { staged: "warn", added: "good", discarded: "neutral" };

function SetRow({ promptSet, onLook }: { promptSet: PromptSet; onLook: () => void }) {
  return (
    <tr>
      <Cell head>
        {promptSet.name}
        <span className="text-soft block text-sm font-normal">
          {[promptSet.source, promptSet.licence].filter((word) => word !== null && word !== "").join(" · ")}
        </span>
      </Cell>
      <Cell>
        <span className="flex flex-wrap items-center gap-2">
          <Pill tone={TONES[promptSet.state]}>{t.project.setStates[promptSet.state]}</Pill>
          {(promptSet.state === "staged" || promptSet.bad > 0) && (
            <Button size="small" onClick={onLook}>
              {t.project.look}
            </Button>
          )}
        </span>
      </Cell>
      <Cell>{formatCount(promptSet.good)}</Cell>
      <Cell>{formatCount(promptSet.duplicates)}</Cell>
      <Cell className={promptSet.bad > 0 ? "text-bad font-medium" : ""}>{formatCount(promptSet.bad)}</Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={promptSet.created_at} />
      </Cell>
    </tr>
  );
}
