import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { signIn } from "@/api/session";
import type { Session } from "@/api/types";
import { Button } from "@/components/Button";
import { CopyBlock } from "@/components/Copy";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote, Notice } from "@/components/Notice";
import { countUnsent } from "@/features/ranking/kept";
import { t } from "@/strings";

import { Gate } from "./Gate";
import { useEnter } from "./useEnter";

export function SignInPage({ session, back }: { session: Session; back: string | undefined }) {
  const enter = useEnter(back);
  const attempt = useMutation({
    meta: { isDoor: true },
    mutationFn: (form: FormData) => signIn(fieldText(form, "email"), fieldText(form, "password")),
    onSuccess: enter,
  });
  if (!session.signing_in_possible) return <Impossible problem={session.problem} />;
  if (session.setup_needed) return <SetupNeeded />;
  const submit = submitting((form) => attempt.mutate(form));
  return (
    <Gate title={t.welcome.signInTitle}>
      {back !== undefined && <BackAfterwards />}
      <form onSubmit={submit} className="grid gap-4">
        <TextField label={t.welcome.email} name="email" type="email" autoComplete="username" required autoFocus />
        <TextField
          label={t.welcome.signInPassword}
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
        {attempt.isError && <ErrorNote error={attempt.error} />}
        <Button type="submit" variant="primary" busy={attempt.isPending}>
          {t.welcome.signIn}
        </Button>
      </form>
    </Gate>
  );
}

function Impossible({ problem }: { problem: string | null }) {
  return (
    <Gate title={t.welcome.impossibleTitle}>
      <Notice tone="warn" role="alert">
        <p>{problem}</p>
      </Notice>
    </Gate>
  );
}

function SetupNeeded() {
  return (
    <Gate title={t.welcome.setupTitle} lead={t.welcome.setupText}>
      <CopyBlock label={t.welcome.linkMissing} text={t.welcome.setupCommand} />
      <p className="text-soft text-sm">{t.welcome.setupAgain}</p>
    </Gate>
  );
}

/** Somebody was at work when their session ended: nothing is lost, and the door leads back. */
function BackAfterwards() {
  const [unsent] = useState(countUnsent);
  return (
    <Notice tone="accent" role="status">
      <p>{t.desk.work.signInAgain}</p>
      {unsent > 0 && <p className="font-semibold">{t.desk.work.unsentAtDoor(unsent)}</p>}
    </Notice>
  );
}
