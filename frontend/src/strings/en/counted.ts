/** "1 tie", "2 ties": a count, as it is written, and what is counted; `many` where it takes more than an s. */
export function counted(count: string | number, one: string, many = `${one}s`): string {
  return `${count} ${String(count) === "1" ? one : many}`;
}
