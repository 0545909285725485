import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { invite } from "@/api/people";
import type { Role } from "@/api/types";
import { Button } from "@/components/Button";
import { CopyBlock } from "@/components/Copy";
import { Dialog } from "@/components/Dialog";
import { Select, TextField } from "@/components/Field";
import { submitting } from "@/components/form";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

import { ROLES } from "./roles";

/** Makes an invitation link, and shows it this once. */
export function InviteDialog({ projectId, onClose }: { projectId: number; onClose: () => void }) {
  const [role, setRole] = useState<Role>("annotator");
  const [email, setEmail] = useState("");
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: () => invite(projectId, role, email.trim()),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["invitations", projectId] }),
  });
  const submit = submitting(() => make.mutate());
  return (
    <Dialog title={t.project.inviteTitle} onClose={onClose}>
      {make.data === undefined ? (
        <form onSubmit={submit} className="grid gap-4">
          <Select
            label={t.project.inviteRole}
            hint={t.project.roleTexts[role]}
            value={role}
            onChange={(event) => setRole(ROLES.find((one) => one === event.target.value) ?? role)}
            options={ROLES.map((one) => [one, t.project.roles[one]] as const)}
          />
          <TextField
            label={t.project.inviteEmail}
            hint={t.project.inviteEmailHint}
            type="email"
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          {make.isError && <ErrorNote error={make.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>{t.common.cancel}</Button>
            <Button type="submit" variant="primary" busy={make.isPending}>
              {t.project.inviteGo}
            </Button>
          </div>
        </form>
      ) : (
        <>
          <p className="text-soft">{t.common.shownOnce}</p>
          <CopyBlock label={t.project.inviteLink} text={make.data.link} />
          <div className="flex justify-end">
            <Button onClick={onClose}>{t.common.close}</Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
