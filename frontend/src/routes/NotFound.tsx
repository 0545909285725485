import { Link } from "@tanstack/react-router";

import { buttonClass } from "@/components/Button";
import { EmptyState } from "@/components/Notice";
import { t } from "@/strings";

export function NotFound() {
  return (
    <main className="grid min-h-dvh content-center">
      <title>{`${t.shell.notFound} · Plackett`}</title>
      <h1 className="sr-only">{t.shell.notFound}</h1>
      <EmptyState
        title={t.shell.notFound}
        action={
          <Link to="/" className={buttonClass("primary")}>
            {t.shell.home}
          </Link>
        }
      >
        {t.shell.notFoundText}
      </EmptyState>
    </main>
  );
}
