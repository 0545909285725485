import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { uploadPromptSet } from "@/api/prompts";
import type { PromptSet } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

import { DropField } from "./DropField";

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
        <DropField file={file} onFile={setFile} accept=".jsonl,.json,.csv,.txt" />
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
