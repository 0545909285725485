import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type DragEvent, useId, useState } from "react";

import { uploadPromptSet } from "@/api/prompts";
import type { PromptSet } from "@/api/types";
import { Button } from "@/components/Button";
import { cx } from "@/components/cx";
import { Dialog } from "@/components/Dialog";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { formatBytes } from "@/components/format";
import { Icon } from "@/components/Icon";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

interface UploadProps {
  projectId: number;
  onClose: () => void;
  onStaged: (promptSet: PromptSet) => void;
}

/** A file of prompts goes up and is checked; adding is a second step. */
export function UploadDialog({ projectId, onClose, onStaged }: UploadProps) {
  const [file, setFile] = useState<File | null>(null);
  const queries = useQueryClient();
  const upload = useMutation({
    mutationFn: ({ form, chosen }: { form: FormData; chosen: File }) => {
      const [name, source, licence] = ["name", "source", "licence"].map((one) => fieldText(form, one));
      return uploadPromptSet(projectId, {
        file: chosen,
        name: name ?? "",
        source: source ?? "",
        licence: licence ?? "",
      });
    },
    onSuccess: async (staged) => {
      await queries.invalidateQueries({ queryKey: ["prompt-sets", projectId] });
      onStaged(staged);
    },
  });
  const submit = submitting((form) => {
    if (file !== null) upload.mutate({ form, chosen: file });
  });
  return (
    <Dialog title={t.project.upload} onClose={onClose}>
      <p className="text-soft">{t.project.uploadLead}</p>
      <form onSubmit={submit} className="grid gap-4">
        <DropField file={file} onFile={setFile} />
        <TextField label={t.project.uploadName} name="name" placeholder={file?.name} maxLength={200} />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t.project.uploadSource} name="source" hint={t.project.uploadOptional} maxLength={200} />
          <TextField label={t.project.uploadLicence} name="licence" hint={t.project.uploadOptional} maxLength={200} />
        </div>
        {upload.isError && <ErrorNote error={upload.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" variant="primary" disabled={file === null} busy={upload.isPending}>
            {upload.isPending ? t.project.uploadChecking : t.project.uploadGo}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function DropField({ file, onFile }: { file: File | null; onFile: (file: File | null) => void }) {
  const id = useId();
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFile(event.dataTransfer.files[0] ?? null);
  };
  return (
    <label
      htmlFor={id}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={cx(
        "focus-within:outline-accent grid justify-items-center gap-1 rounded-xl border-2 border-dashed px-4 py-8 text-center focus-within:outline-2",
        isOver ? "border-accent bg-accent-soft" : "border-edge/60 bg-sunken hover:border-accent",
      )}
    >
      <Icon name="upload" className="text-accent size-6" />
      <span className="font-semibold">{file?.name ?? t.project.uploadDrop}</span>
      {file !== null && <span className="text-soft text-sm">{formatBytes(file.size)}</span>}
      <input
        id={id}
        type="file"
        accept=".jsonl,.json,.csv,.txt"
        className="sr-only"
        onChange={(event) => onFile(event.target.files?.[0] ?? null)}
      />
    </label>
  );
}
