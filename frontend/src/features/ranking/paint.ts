/** How long the person waits between two tasks, where the browser's tools and tests can read it. */
const SUBMIT = "desk:submit";
const PAINTED = "desk:painted";
const NEXT = "desk:next";

export function markSubmit(): void {
  for (const name of [SUBMIT, PAINTED]) performance.clearMarks(name);
  performance.clearMeasures(NEXT);
  performance.mark(SUBMIT);
}

/** To be called when the next task is in the page: marks the moment after the frame that shows it. */
export function markPainted(): void {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      performance.clearMarks(PAINTED);
      performance.mark(PAINTED);
      if (performance.getEntriesByName(SUBMIT, "mark").length > 0) performance.measure(NEXT, SUBMIT, PAINTED);
    };
    port2.postMessage(null);
  });
}
