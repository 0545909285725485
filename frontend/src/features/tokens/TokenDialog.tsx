import { useMutation, useQueryClient } from "@tanstack/react-query";

import { createToken, tokensQuery } from "@/api/people";
import type { Scope } from "@/api/types";
import { Button } from "@/components/Button";
import { CopyBlock } from "@/components/Copy";
import { Dialog } from "@/components/Dialog";
import { Check, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";
import { en } from "@/strings/en";

const SCOPES = Object.keys(en.project.scopes) as Scope[];
const USUAL: Scope[] = ["read", "datasets"];

/** A token with what it may do; the token itself is shown this once. */
export function TokenDialog({ projectId, onClose }: { projectId: number; onClose: () => void }) {
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: (form: FormData) => {
      return createToken({
        name: fieldText(form, "name"),
        scopes: SCOPES.filter((scope) => form.has(`scope-${scope}`)),
        project_id: form.has("bound") ? projectId : null,
        expires_in_days: Number(form.get("days")),
      });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const submit = submitting((form) => make.mutate(form));
  if (make.data !== undefined) {
    return (
      <Dialog title={t.project.tokenMade} onClose={onClose}>
        <p className="text-soft">{t.common.shownOnce}</p>
        <CopyBlock label="PLACKETT_TOKEN" text={make.data.token} />
        <div className="flex justify-end">
          <Button onClick={onClose}>{t.common.close}</Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.project.tokenNew} onClose={onClose}>
      <form onSubmit={submit} className="grid gap-4">
        <TextField label={t.project.tokenName} hint={t.project.tokenNameHint} name="name" required maxLength={200} />
        <fieldset className="grid gap-0.5">
          <legend className="pb-1 text-sm font-semibold">{t.project.tokenScopes}</legend>
          {SCOPES.map((scope) => (
            <Check
              key={scope}
              name={`scope-${scope}`}
              label={scope}
              hint={t.project.scopes[scope]}
              defaultChecked={USUAL.includes(scope)}
            />
          ))}
        </fieldset>
        <Check name="bound" label={t.project.tokenProject} defaultChecked />
        <TextField
          label={t.project.tokenDays}
          name="days"
          type="number"
          min={1}
          max={366}
          defaultValue={90}
          required
          className="max-w-40"
        />
        {make.isError && <ErrorNote error={make.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" variant="primary" busy={make.isPending}>
            {t.project.tokenGo}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
