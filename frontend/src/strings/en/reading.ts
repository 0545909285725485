/** Around texts that people and models wrote. */
export const reading = {
  code: "Code",
  copyCode: "Copy code",
  table: "Table",
  done: "Done",
  notDone: "Not done",
  /** Said before and after a marked difference, to those who listen. */
  differs: " [differs: ",
  differsEnd: "] ",
  hiddenWords: (count: string, isOne: boolean) => `… ${count} ${isOne ? "word" : "words"} hidden, show all`,
  showLess: "Show less",
};
