import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { uploadDemonstrations } from "@/api/demonstrations";
import type { DemonstrationUpload } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { formatCount } from "@/components/format";
import { ErrorNote, Notice } from "@/components/Notice";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { DropField } from "./DropField";

interface DemonstrationsProps {
  projectId: number;
  onClose: () => void;
}

/** Demonstrations that people wrote elsewhere: the file is looked at first, then what is good in it is added. */
export function DemonstrationsDialog({ projectId, onClose }: DemonstrationsProps) {
  const [file, setFile] = useState<File | null>(null);
  const queries = useQueryClient();
  const send = useMutation({
    mutationFn: ({ form, chosen, preview }: { form: FormData; chosen: File; preview: boolean }) => {
      const [name = "", source = "", licence = ""] = ["name", "source", "licence"].map((one) => fieldText(form, one));
      return uploadDemonstrations(projectId, { file: chosen, name, source, licence }, preview);
    },
    onSuccess: async (found) => {
      if (found.prompt_set_id === null) return;
      const changed = ["prompt-sets", "prompts", "loop", "writing-summary", "completions"];
      await Promise.all(changed.map((name) => queries.invalidateQueries({ queryKey: [name, projectId] })));
    },
  });
  const found = send.data ?? null;
  const isAdded = found !== null && found.prompt_set_id !== null;
  const canAdd = found !== null && !isAdded && found.demonstrations > 0;
  const submit = submitting((form) => {
    if (file !== null) send.mutate({ form, chosen: file, preview: !canAdd });
  });
  return (
    <Dialog title={t.project.demonstrations} onClose={onClose}>
      <p className="text-soft">{t.project.demonstrationsLead}</p>
      <form onSubmit={submit} className="grid gap-4">
        {!isAdded && (
          <Fields
            file={file}
            onFile={(chosen) => {
              setFile(chosen);
              send.reset();
            }}
          />
        )}
        {found !== null && <Found found={found} />}
        {send.isError && <ErrorNote error={send.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{isAdded ? t.common.close : t.common.cancel}</Button>
          {!isAdded && (
            <Button
              type="submit"
              variant="primary"
              disabled={file === null || (found !== null && !canAdd)}
              busy={send.isPending}
            >
              {canAdd
                ? t.project.demonstrationsAdd(formatCount(found.demonstrations), found.demonstrations === 1)
                : t.project.uploadGo}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function Fields({ file, onFile }: { file: File | null; onFile: (file: File | null) => void }) {
  return (
    <>
      <DropField file={file} onFile={onFile} accept=".jsonl,.ndjson,.gz" />
      <TextField label={t.project.uploadName} name="name" placeholder={file?.name} maxLength={200} />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t.project.uploadSource} name="source" hint={t.project.uploadOptional} maxLength={200} />
        <TextField label={t.project.uploadLicence} name="licence" hint={t.project.uploadOptional} maxLength={200} />
      </div>
    </>
  );
}

/** What the file holds, or held, and the lines that cannot be used. */
function Found({ found }: { found: DemonstrationUpload }) {
  const { demonstrations, duplicates, bad, new_prompts: prompts, by_split: split, errors } = found;
  const { train, validation, test } = split;
  const counts = [
    [demonstrations, t.project.demonstrationsNew],
    [prompts, t.project.demonstrationsPrompts],
    [duplicates, t.project.stagedDuplicates],
    [bad, t.project.stagedBad],
  ] as const;
  return (
    <div className="grid gap-4" role="status">
      {found.prompt_set_id !== null && (
        <Notice tone="good">
          <p>{t.project.demonstrationsAdded(formatCount(demonstrations), demonstrations === 1)}</p>
        </Notice>
      )}
      <dl className="flex flex-wrap gap-x-8 gap-y-3">
        {counts.map(([count, name]) => (
          <div key={name} className="flex flex-col-reverse">
            <dt className="text-soft text-sm">{name}</dt>
            <dd className="text-xl font-semibold tabular-nums">{formatCount(count)}</dd>
          </div>
        ))}
      </dl>
      {demonstrations > 0 && (
        <p className="text-soft text-sm">
          {t.project.demonstrationsSplit(formatCount(train), formatCount(validation), formatCount(test))}
        </p>
      )}
      {errors.length === 0 ? <p className="text-good">{t.project.noErrors}</p> : <BadLines found={found} />}
    </div>
  );
}

function BadLines({ found: { errors, bad } }: { found: DemonstrationUpload }) {
  return (
    <section className="grid gap-2">
      <h3 className="text-sm font-semibold">{t.project.demonstrationsErrors}</h3>
      <Table
        caption={t.project.demonstrationsErrors}
        head={t.project.errorColumns}
        className="border-line max-h-64 overflow-y-auto rounded-xl border"
      >
        {errors.map((error) => (
          <tr key={error.line}>
            <Cell head className="min-w-0">
              {error.line}
            </Cell>
            <Cell className="text-bad">{error.reason}</Cell>
            <Cell className="text-soft font-mono text-sm wrap-anywhere">{error.excerpt}</Cell>
          </tr>
        ))}
      </Table>
      {bad > errors.length && (
        <p className="text-soft text-sm">{t.project.demonstrationsMoreErrors(formatCount(bad - errors.length))}</p>
      )}
    </section>
  );
}
