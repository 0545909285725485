import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { changePassword } from "@/api/session";
import type { Session } from "@/api/types";
import { Button, buttonClass } from "@/components/Button";
import { TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote, Notice } from "@/components/Notice";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

import { useSignOut } from "@/components/useSignOut";

type User = NonNullable<Session["user"]>;

export function AccountPage({ user }: { user: User }) {
  const signOut = useSignOut();
  return (
    <main>
      <Page
        title={t.project.accountTitle}
        lead={`${user.name} · ${user.email}`}
        narrow
        actions={
          <>
            <LanguageSwitch isWide />
            <Link to="/" className={buttonClass()}>
              {t.shell.home}
            </Link>
            <Button onClick={signOut}>{t.shell.signOut}</Button>
          </>
        }
      >
        <PasswordPanel />
      </Page>
    </main>
  );
}

function PasswordPanel() {
  const change = useMutation({
    mutationFn: ({ form }: { form: FormData; element: HTMLFormElement }) =>
      changePassword(fieldText(form, "current"), fieldText(form, "new")),
    onSuccess: (_, { element }) => element.reset(),
  });
  const submit = submitting((form, element) => change.mutate({ form, element }));
  return (
    <Panel title={t.project.passwordGo}>
      <form onSubmit={submit} className="grid max-w-sm gap-4">
        <TextField
          label={t.project.passwordCurrent}
          name="current"
          type="password"
          autoComplete="current-password"
          required
        />
        <TextField
          label={t.project.passwordNew}
          hint={t.welcome.passwordHint}
          name="new"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
        />
        {change.isError && <ErrorNote error={change.error} />}
        {change.isSuccess && (
          <Notice tone="good" role="status">
            <p>{t.project.passwordDone}</p>
          </Notice>
        )}
        <Button type="submit" variant="primary" busy={change.isPending} className="justify-self-start">
          {t.project.passwordGo}
        </Button>
      </form>
    </Panel>
  );
}
