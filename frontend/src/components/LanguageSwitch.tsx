import { chooseLocale, locale, LOCALES, nameOf, t } from "@/strings";

import { cx } from "./cx";
import { Icon } from "./Icon";

/** The page's language. `isWide` shows its name beside the sign; the browser's own list opens on either. */
export function LanguageSwitch({ isWide = false, className }: { isWide?: boolean; className?: string }) {
  const choose = (value: string) => {
    const chosen = LOCALES.find((one) => one === value);
    if (chosen !== undefined) chooseLocale(chosen);
  };
  return (
    <label
      title={t.common.language}
      className={cx(
        "text-soft hover:bg-ink/6 hover:text-ink has-focus-visible:outline-accent relative inline-flex h-10 shrink-0 items-center justify-center gap-2 rounded-lg text-sm font-medium has-focus-visible:outline-2 pointer-coarse:h-11",
        isWide ? "px-3" : "w-10 pointer-coarse:w-11",
        className,
      )}
    >
      <Icon name="globe" className="size-5 shrink-0" />
      {isWide && <span aria-hidden="true">{nameOf(locale)}</span>}
      <select
        aria-label={t.common.language}
        value={locale}
        onChange={(event) => choose(event.target.value)}
        className="absolute inset-0 cursor-pointer appearance-none opacity-0"
      >
        {LOCALES.map((one) => (
          <option key={one} value={one} lang={one}>
            {nameOf(one)}
          </option>
        ))}
      </select>
    </label>
  );
}
