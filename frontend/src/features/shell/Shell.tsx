import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";

import type { Role, Session } from "@/api/types";
import { IconButton } from "@/components/Button";
import { cx } from "@/components/cx";
import { Icon, Mark } from "@/components/Icon";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { useSignOut } from "@/components/useSignOut";
import { t } from "@/strings";

import { groupsFor, homeFor } from "./navigation";
import { ProjectPicker } from "./ProjectPicker";
import { useTheme } from "./theme";

interface ShellProps {
  session: Session;
  projectId: number;
  role: Role;
  children: ReactNode;
}

/** Sidebar and content; on a phone, and for annotators, a bar on top instead. */
export function Shell({ session, projectId, role, children }: ShellProps) {
  const [isOpen, setOpen] = useState(false);
  const isSlim = role === "annotator";
  return (
    <div className={cx("flex min-h-dvh flex-col", !isSlim && "lg:flex-row")}>
      <a
        href="#content"
        className="bg-accent text-accent-ink sr-only z-50 rounded-lg px-4 py-2 font-semibold focus:not-sr-only focus:fixed focus:top-2 focus:start-2"
      >
        {t.shell.skipToContent}
      </a>
      <header
        className={cx(
          "border-line bg-panel flex h-14 items-center gap-1 border-b ps-4 pe-2 sm:ps-7",
          !isSlim && "lg:hidden",
        )}
      >
        <Brand projectId={projectId} role={role} isSlim={isSlim} />
        {isSlim && <Groups projectId={projectId} role={role} isRow onGo={() => setOpen(false)} />}
        <span className="ms-auto" />
        {isSlim ? (
          <Account session={session} />
        ) : (
          <IconButton
            icon={isOpen ? "close" : "menu"}
            label={t.shell.menu}
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          />
        )}
      </header>
      {!isSlim && (
        <aside
          aria-label={t.shell.menu}
          className={cx(
            "border-line bg-panel shrink-0 flex-col gap-4 px-3 pt-4 pb-3 lg:sticky lg:top-0 lg:flex lg:h-dvh lg:w-54 lg:overflow-y-auto lg:border-e",
            isOpen ? "flex border-b" : "hidden",
          )}
        >
          <div className="max-lg:hidden">
            <Brand projectId={projectId} role={role} />
          </div>
          <ProjectPicker projects={session.projects} projectId={projectId} />
          <Groups projectId={projectId} role={role} onGo={() => setOpen(false)} />
          <div className="mt-auto pt-4">
            <Account session={session} isWide />
          </div>
        </aside>
      )}
      <main id="content" className="flex min-w-0 flex-1 flex-col">
        {children}
      </main>
    </div>
  );
}

function Brand({ projectId, role, isSlim = false }: { projectId: number; role: Role; isSlim?: boolean }) {
  return (
    <Link
      to={homeFor(role)}
      params={{ projectId }}
      className="flex items-center gap-2.5 rounded-lg px-1 py-1 text-base font-semibold tracking-tight"
    >
      <Mark className="size-7" />
      <span className={cx(isSlim && "max-sm:sr-only")}>{t.shell.brand}</span>
    </Link>
  );
}

interface GroupsProps {
  projectId: number;
  role: Role;
  isRow?: boolean;
  onGo: () => void;
}

function Groups({ projectId, role, isRow = false, onGo }: GroupsProps) {
  return (
    <nav aria-label={t.shell.nav} className={isRow ? "ms-3 flex" : "grid gap-3"}>
      {groupsFor(role).map((group) => (
        <ul
          key={group[0]?.to}
          className={cx(isRow ? "flex gap-1" : "border-line grid gap-0.5 not-first:border-t not-first:pt-3")}
        >
          {group.map((item) => (
            <li key={item.to}>
              <Link
                to={item.to}
                params={{ projectId }}
                onClick={onGo}
                className="text-soft hover:text-ink hover:bg-ink/5 block rounded-lg px-2.5 py-1.5 text-sm font-medium whitespace-nowrap pointer-coarse:py-2.5"
                activeProps={{ className: "bg-accent-soft! text-accent! font-semibold!" }}
              >
                {t.shell[item.name]}
              </Link>
            </li>
          ))}
        </ul>
      ))}
    </nav>
  );
}

function Account({ session, isWide = false }: { session: Session; isWide?: boolean }) {
  const leave = useSignOut();
  if (!isWide) {
    return (
      <div className="flex items-center">
        <LanguageSwitch className="max-[26rem]:hidden" />
        <ThemeButton />
        <Link
          to="/account"
          aria-label={t.shell.account}
          title={t.shell.account}
          className="text-soft hover:text-ink hover:bg-ink/5 grid size-10 place-items-center rounded-lg pointer-coarse:size-11"
        >
          <Icon name="user" className="size-5" />
        </Link>
        <SignOut onLeave={leave} className="max-sm:hidden" />
      </div>
    );
  }
  return (
    <div className="border-line grid gap-1 border-t pt-3">
      <Link
        to="/account"
        className="hover:bg-ink/5 flex min-w-0 items-center gap-2 rounded-lg px-2 py-1.5 text-sm font-medium pointer-coarse:py-3"
      >
        <Icon name="user" className="size-4 shrink-0" />
        <span className="truncate">{session.user?.name}</span>
      </Link>
      <div className="flex items-center">
        <ThemeButton />
        <LanguageSwitch />
        <SignOut onLeave={leave} className="ms-auto" />
      </div>
    </div>
  );
}

function ThemeButton() {
  const [theme, toggle] = useTheme();
  const isDark = theme === "dark";
  return (
    <IconButton icon={isDark ? "sun" : "moon"} label={isDark ? t.shell.toLight : t.shell.toDark} onClick={toggle} />
  );
}

function SignOut({ onLeave, className }: { onLeave: () => Promise<void>; className?: string }) {
  return (
    <button
      type="button"
      onClick={onLeave}
      className={cx(
        "text-soft hover:text-ink hover:bg-ink/5 h-10 rounded-lg px-2 text-sm font-medium whitespace-nowrap pointer-coarse:h-11",
        className,
      )}
    >
      {t.shell.signOut}
    </button>
  );
}
