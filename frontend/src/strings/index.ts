/**
 * The words of the page in the language that was chosen.
 *
 * `t` is set once, before anything is drawn; another choice loads the page again. So `t` is read where it is shown,
 * never kept at the top of a module.
 */
import { en, type Strings } from "./en";

interface Language {
  /** Its own name in its own script. */
  name: string;
  dir: "ltr" | "rtl";
  load: () => Promise<Strings>;
}

const CHOICES = {
  en: { name: "English", dir: "ltr", load: () => Promise.resolve(en) },
  "zh-CN": { name: "简体中文", dir: "ltr", load: async () => (await import("./zh-CN")).zhCN },
} as const satisfies Record<string, Language>;

export type { Strings } from "./en";
export type Locale = keyof typeof CHOICES;
export const LOCALES = Object.keys(CHOICES) as Locale[];
const SLOT = "plackett.language";

export let t: Strings = en;
export let locale: Locale = "en";

export function nameOf(which: Locale): string {
  return CHOICES[which].name;
}

function remembered(): string | null {
  try {
    return localStorage.getItem(SLOT);
  } catch (refused) {
    console.warn("The chosen language cannot be read; the browser's is used.", refused);
    return null;
  }
}

function isLocale(tag: string | null): tag is Locale {
  return tag !== null && Object.hasOwn(CHOICES, tag);
}

/** The first language of the list that is spoken here; `zh-Hans-SG` is served by `zh-CN`, `zh-Hant` by none. */
export function bestOf(wanted: readonly string[]): Locale {
  for (const tag of wanted) {
    const { language, script } = new Intl.Locale(tag).maximize();
    const found = LOCALES.find((one) => {
      const ours = new Intl.Locale(one).maximize();
      return ours.language === language && ours.script === script;
    });
    if (found !== undefined) return found;
  }
  return "en";
}

/** Remembered, else the browser's, else English. */
export function preferredLocale(): Locale {
  const kept = remembered();
  return isLocale(kept) ? kept : bestOf(navigator.languages);
}

/** Makes a language the page's own, once its words are here. */
export async function speak(which: Locale): Promise<void> {
  t = await CHOICES[which].load();
  locale = which;
  document.documentElement.lang = which;
  document.documentElement.dir = CHOICES[which].dir;
}

/** Remembers the choice and draws the page anew; what is being written is kept by the desk itself. */
export function chooseLocale(which: Locale): void {
  localStorage.setItem(SLOT, which);
  globalThis.location.reload();
}
