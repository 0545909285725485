import { useMutation, useQuery } from "@tanstack/react-query";

import { peekInvitation, redeemInvitation } from "@/api/session";
import type { InvitationPeek, Session } from "@/api/types";
import { Button } from "@/components/Button";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote, Notice, Skeleton } from "@/components/Notice";
import { t } from "@/strings";

import { Gate } from "./Gate";
import { useEnter } from "./useEnter";

interface WelcomePageProps {
  session: Session;
  /** From the address's fragment, which browsers do not send anywhere. */
  token: string;
}

export function WelcomePage({ session, token }: WelcomePageProps) {
  const peek = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => peekInvitation(token),
    enabled: token !== "" && session.signing_in_possible,
    retry: false,
  });
  if (!session.signing_in_possible) {
    return (
      <Gate title={t.welcome.impossibleTitle}>
        <Notice tone="warn" role="alert">
          <p>{session.problem}</p>
        </Notice>
      </Gate>
    );
  }
  if (token === "") return <Gate title={t.welcome.linkMissing} lead={t.welcome.linkMissingText} children={null} />;
  if (peek.isError) {
    return (
      <Gate title={t.welcome.linkDead}>
        <ErrorNote error={peek.error} />
      </Gate>
    );
  }
  if (peek.data === undefined) return <Skeleton />;
  return <Acceptance token={token} invitation={peek.data} />;
}

function Acceptance({ token, invitation }: { token: string; invitation: InvitationPeek }) {
  const enter = useEnter();
  const isFirst = invitation.kind === "first_admin";
  const accept = useMutation({
    meta: { isDoor: true },
    mutationFn: (form: FormData) =>
      redeemInvitation({
        token,
        name: fieldText(form, "name"),
        email: fieldText(form, "email"),
        password: fieldText(form, "password"),
      }),
    onSuccess: enter,
  });
  const submit = submitting((form) => accept.mutate(form));
  return (
    <Gate
      title={isFirst ? t.welcome.firstTitle : t.welcome.memberTitle(invitation.project?.name ?? t.shell.brand)}
      lead={isFirst ? t.welcome.firstLead : t.welcome.memberLead(t.welcome.roles[invitation.role])}
    >
      <form onSubmit={submit} className="grid gap-4">
        <TextField label={t.welcome.name} name="name" autoComplete="name" required maxLength={200} autoFocus />
        <TextField
          label={t.welcome.email}
          name="email"
          type="email"
          autoComplete="username"
          required
          defaultValue={invitation.email ?? ""}
          readOnly={invitation.email !== null}
        />
        <TextField
          label={t.welcome.password}
          hint={t.welcome.passwordHint}
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
        />
        {accept.isError && <ErrorNote error={accept.error} />}
        <Button type="submit" variant="primary" busy={accept.isPending}>
          {isFirst ? t.welcome.enter : t.welcome.join}
        </Button>
      </form>
    </Gate>
  );
}
