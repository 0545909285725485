import { locale, t } from "@/strings";

function formatsOf(tag: string) {
  return {
    tag,
    number: new Intl.NumberFormat(tag),
    figure: new Intl.NumberFormat(tag, { maximumSignificantDigits: 4, useGrouping: false }),
    percent: new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    clock: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    day: new Intl.DateTimeFormat(tag, { day: "numeric", month: "short" }),
    full: new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }),
    segments: new Intl.Segmenter(tag, { granularity: "word" }),
  };
}

let kept: ReturnType<typeof formatsOf> | null = null;

/** The chosen language's own ways with figures and dates; making one is slow, so they are kept. */
function formats() {
  if (kept?.tag !== locale) kept = formatsOf(locale);
  return kept;
}

export function formatCount(value: number): string {
  return formats().number.format(value);
}

/** Four significant digits, exponents for the very small and the very large. */
export function formatFigure(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return formats().number.format(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : formats().figure.format(value);
}

export function formatPercent(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : t.common.percent(formats().percent.format(100 * share));
}

/** "45 s", "3 min", "1 h 20 min". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t.common.seconds(formatCount(whole));
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return t.common.minutes(formatCount(minutes));
  const hours = t.common.hours(formatCount(Math.floor(minutes / 60)));
  return minutes % 60 === 0 ? hours : `${hours} ${t.common.minutes(formatCount(minutes % 60))}`;
}

export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit] ?? ""}`;
}

/** The clock's time for today, else the day. */
export function formatWhen(iso: string, now = new Date()): string {
  const at = new Date(iso);
  return at.toDateString() === now.toDateString() ? formats().clock.format(at) : formats().day.format(at);
}

export function formatFull(iso: string): string {
  return formats().full.format(new Date(iso));
}

/** Words as a reader counts them, also where they are written without spaces. */
export function wordCount(text: string): number {
  if (!/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(text)) {
    return text.split(/\s+/u).filter(Boolean).length;
  }
  return [...formats().segments.segment(text)].filter((part) => part.isWordLike).length;
}

/** The words for what projects usually ask; of any other slug its own: "too_long" → "Too long". */
export function fromSlug(slug: string): string {
  const known: Record<string, string> = t.slugs;
  const name = Object.hasOwn(known, slug) ? known[slug] : undefined;
  if (name !== undefined) return name;
  const words = slug.replaceAll(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
