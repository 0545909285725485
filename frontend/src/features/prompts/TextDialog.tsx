import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { uploadText } from "@/api/datasets";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { formatBytes, formatCount } from "@/components/format";
import { ErrorNote, Notice } from "@/components/Notice";
import { t } from "@/strings";

import { DropField } from "./DropField";

interface TextDialogProps {
  projectId: number;
  onClose: () => void;
}

/** A raw text that runs can learn, kept as soon as it is sent. */
export function TextDialog({ projectId, onClose }: TextDialogProps) {
  const [file, setFile] = useState<File | null>(null);
  const queries = useQueryClient();
  const send = useMutation({
    mutationFn: ({ form, chosen }: { form: FormData; chosen: File }) => {
      const [name = "", source = "", licence = ""] = ["name", "source", "licence"].map((one) => fieldText(form, one));
      return uploadText(projectId, { file: chosen, name, source, licence });
    },
    onSuccess: () =>
      Promise.all(["texts", "snapshots"].map((name) => queries.invalidateQueries({ queryKey: [name, projectId] }))),
  });
  const submit = submitting((form) => {
    if (file !== null) send.mutate({ form, chosen: file });
  });
  return (
    <Dialog title={t.project.texts} onClose={onClose}>
      <p className="text-soft">{t.project.textsLead}</p>
      <form onSubmit={submit} className="grid gap-4">
        {send.isSuccess ? (
          <Notice tone="good" role="status">
            <p>{t.project.textsKept(send.data.name, formatBytes(send.data.bytes), formatCount(send.data.lines))}</p>
          </Notice>
        ) : (
          <Fields file={file} onFile={setFile} />
        )}
        {send.isError && <ErrorNote error={send.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{send.isSuccess ? t.common.close : t.common.cancel}</Button>
          {!send.isSuccess && (
            <Button type="submit" variant="primary" disabled={file === null} busy={send.isPending}>
              {t.project.textsGo}
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
      <DropField file={file} onFile={onFile} accept=".txt,.gz" />
      <TextField label={t.project.textsName} name="name" placeholder={file?.name} maxLength={200} />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t.project.uploadSource} name="source" hint={t.project.uploadOptional} maxLength={200} />
        <TextField label={t.project.uploadLicence} name="licence" hint={t.project.uploadOptional} maxLength={200} />
      </div>
    </>
  );
}
