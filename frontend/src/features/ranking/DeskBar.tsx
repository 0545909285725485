import { Link } from "@tanstack/react-router";

import type { WorkProgress } from "@/api/types";
import { Button, buttonClass, IconButton } from "@/components/Button";
import { cx } from "@/components/cx";
import { formatSeconds } from "@/components/format";
import { Icon } from "@/components/Icon";
import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import { keyName } from "./keys";
import type { Preferences } from "./preferences";

interface DeskBarProps {
  project: string;
  progress: WorkProgress | undefined;
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  guidelinesOpen: boolean;
  onGuidelines: () => void;
  showsDifferences: boolean;
  onDifferences: () => void;
  onKeys: () => void;
  /** Where answers are written; null where this person is not asked to. */
  writesIn: number | null;
}

/** One calm line: where, how much today, and how the desk is laid out. */
export function DeskBar(props: DeskBarProps) {
  const { progress, preferences, onPreferences } = props;
  const isColumns = preferences.layout === "columns";
  const { median_seconds: pace } = progress ?? {};
  return (
    <header className="mx-auto flex w-full max-w-[150rem] flex-wrap items-center gap-x-4 gap-y-1 px-4 pt-3 pb-2 sm:px-7">
      <h1 className="text-base font-semibold">{props.project}</h1>
      <p className="text-soft me-auto text-sm">
        {progress !== undefined && t.desk.today(progress.today)}
        {pace != null && pace >= 1 && ` · ${t.desk.pace(formatSeconds(pace))}`}
      </p>
      <div className="flex flex-wrap items-center">
        {props.writesIn !== null && (
          <Link
            to="/p/$projectId/write"
            params={{ projectId: props.writesIn }}
            className={buttonClass("quiet", "small")}
          >
            {t.desk.writing.title}
          </Link>
        )}
        <span className="contents max-sm:hidden">
          <Toggle
            icon={isColumns ? "columns" : "stack"}
            label={isColumns ? t.desk.layoutColumns : t.desk.layoutStack}
            onClick={() => onPreferences({ layout: isColumns ? "stack" : "columns" })}
          />
        </span>
        <Toggle
          icon="order"
          label={t.desk.byPlace}
          isOn={preferences.byPlace}
          onClick={() => onPreferences({ byPlace: !preferences.byPlace })}
        />
        <Toggle
          icon="text"
          label={t.desk.raw}
          isOn={preferences.raw}
          onClick={() => onPreferences({ raw: !preferences.raw })}
        />
        <Button
          variant="quiet"
          size="small"
          aria-pressed={props.showsDifferences}
          onClick={props.onDifferences}
          className={cx(props.showsDifferences && "bg-mark text-ink!")}
        >
          {t.desk.differences} <Kbd>{keyName(preferences.bindings.differences)}</Kbd>
        </Button>
        <Button variant="quiet" size="small" aria-expanded={props.guidelinesOpen} onClick={props.onGuidelines}>
          <Icon name="book" className="size-4 sm:hidden" />
          <span className="max-sm:sr-only">{t.desk.guidelines}</span>{" "}
          <Kbd>{keyName(preferences.bindings.guidelines)}</Kbd>
        </Button>
        <span className="contents pointer-coarse:hidden">
          <IconButton icon="keyboard" label={t.desk.keys} onClick={props.onKeys} />
        </span>
      </div>
    </header>
  );
}

interface ToggleProps {
  icon: "columns" | "stack" | "order" | "text";
  label: string;
  isOn?: boolean;
  onClick: () => void;
}

function Toggle({ icon, label, isOn, onClick }: ToggleProps) {
  return (
    <IconButton
      icon={icon}
      label={label}
      aria-pressed={isOn}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onClick}
      className={cx(isOn === true && "bg-accent-soft text-accent")}
    />
  );
}
