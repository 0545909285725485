/** A place in this browser for things that must not get lost: one entry each, so that tabs never overwrite another's. */

export class Kept<T> {
  private readonly prefix: string;
  /** What the browser refused to keep: it lives as long as the page. */
  private readonly inMemory = new Map<string, T>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** False while something is in this page's memory only. */
  get isSafe(): boolean {
    return this.inMemory.size === 0;
  }

  all(): T[] {
    return [...this.stored(), ...this.inMemory.values()];
  }

  put(name: string, value: T): void {
    this.inMemory.delete(name);
    try {
      localStorage.setItem(this.prefix + name, JSON.stringify(value));
    } catch (full) {
      console.warn("This browser cannot keep what is on its way; do not close the page before it is sent.", full);
      this.inMemory.set(name, value);
    }
  }

  drop(name: string): void {
    this.inMemory.delete(name);
    localStorage.removeItem(this.prefix + name);
  }

  /** Whether a change in storage, told by another tab, is about these things. */
  isAbout(key: string | null): boolean {
    return key === null || key.startsWith(this.prefix);
  }

  private stored(): T[] {
    const names = Array.from({ length: localStorage.length }, (_, place) => localStorage.key(place) ?? "");
    return names.filter((name) => name.startsWith(this.prefix)).flatMap((name) => this.read(name));
  }

  private read(name: string): T[] {
    try {
      return [JSON.parse(localStorage.getItem(name) ?? "") as T];
    } catch (unreadable) {
      console.warn("Something that was on its way cannot be read; its draft is still there.", unreadable);
      return [];
    }
  }
}

const ON_ITS_WAY = /^plackett\.(?:outbox|texts)\./;

/** How much submitted work waits in this browser, whoever's it is. */
export function countUnsent(): number {
  const names = Array.from({ length: localStorage.length }, (_, place) => localStorage.key(place) ?? "");
  return names.filter((name) => ON_ITS_WAY.test(name)).length;
}
