import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { Markdown, type Marked } from "./Markdown";

afterEach(cleanup);

function shown(text: string, marked?: Marked): HTMLElement {
  return render(<Markdown text={text} marked={marked} />).container;
}

it("shows raw HTML as text and runs none of it", () => {
  const box = shown("before\n\n<script>window.pwned = 1</script>\n\n<img src=x onerror=alert(1)> after");
  expect(box.textContent).toContain("<script>window.pwned = 1</script>");
  expect(box.textContent).toContain("<img src=x onerror=alert(1)> after");
  expect(box.querySelector("script, img")).toBeNull();
});

it("loads no images", () => {
  const box = shown("![a cat](https://tracker.example/cat.png)");
  expect(box.querySelector("img")).toBeNull();
  expect(box.textContent).toBe("![a cat](https://tracker.example/cat.png)");
});

it("drops addresses that run code", () => {
  expect(shown("[x](javascript:alert(1))").querySelector("a")?.getAttribute("href") ?? "").not.toContain("javascript");
});

it("asks before an address is opened", () => {
  HTMLDialogElement.prototype.showModal = function open() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
  shown("[docs](https://example.org/a)");
  const opened = fireEvent.click(screen.getByRole("link", { name: "docs" }));
  expect(opened).toBe(false);
  expect(screen.getByText("https://example.org/a")).toBeTruthy();
});

it("keeps line breaks and marks words", () => {
  const box = shown("first line\nsecond line", [[11, 17]]);
  expect(box.querySelectorAll("br")).toHaveLength(1);
  expect(box.querySelector("mark")?.textContent).toBe("second");
});

it("sets formulas and leaves sums of money alone", async () => {
  const box = shown("Pay $5 or $10: $x^2 \\in \\mathbb{R}$ and\n\n\\[\n\\frac{1}{2}\n\\]");
  expect(box.querySelector("code.math")?.textContent).toBe("$x^2 \\in \\mathbb{R}$");
  await waitFor(() => expect(box.querySelectorAll("math")).toHaveLength(2));
  expect(box.querySelector("msup")?.textContent).toBe("x2");
  expect(box.textContent).toContain("Pay $5 or $10: ");
  expect(box.textContent).toContain("ℝ");
});

it("shows a formula that cannot be read as it was written", async () => {
  const box = shown("Good $x$, bad $\\frac{1$, worse $\\href{javascript:alert(1)}{x}$.");
  await waitFor(() => expect(box.querySelectorAll("math")).toHaveLength(1));
  expect([...box.querySelectorAll("code.math")].map((code) => code.textContent)).toEqual([
    "$\\frac{1$",
    "$\\href{javascript:alert(1)}{x}$",
  ]);
});

it("colours code, marks inside it, and keeps its text", async () => {
  const source = 'def f(x):\n    return "a" + x\n';
  const box = shown("```python\n" + source + "```", [
    [0, 5],
    [14, 20],
  ]);
  await waitFor(() => expect(box.querySelector(".hljs-keyword")?.textContent).toBe("def"));
  expect(box.querySelector("pre")?.textContent).toBe(source);
  expect([...box.querySelectorAll("mark")].map((mark) => mark.textContent).join("")).toBe("deffreturn");
});

it("marks a formula as a whole", async () => {
  const box = shown("so $x^2$ it is", [[4, 6]]);
  await waitFor(() => expect(box.querySelector("mark math")).not.toBeNull());
  expect(box.querySelectorAll("mark")).toHaveLength(1);
});

it("gives every block its own direction", () => {
  const box = shown("שלום\n\n- אחת\n- two\n\n`code` first\n\n> مرحبا\n\n# כותרת");
  expect(box.querySelector("ul")?.dir).toBe("rtl");
  expect(box.querySelector("blockquote")?.dir).toBe("rtl");
  expect([...box.querySelectorAll<HTMLElement>("p, li, h3")].every((block) => block.dir === "auto")).toBe(true);
  expect(box.querySelector<HTMLElement>("code")?.dir).toBe("ltr");
});

it("shows the signs that would turn or hide parts of code", () => {
  const box = shown("`if (admin\u202e) {}`\n\nescape: \u001b[31m");
  expect(box.querySelector(".sign")?.getAttribute("data-sign")).toBe("U+202E");
  expect(box.textContent).toContain("␛[31m");
});

it("shows text nested beyond reading as it was written", () => {
  const text = "> ".repeat(5000) + "deep";
  expect(shown(text).textContent).toBe(text);
});

it("puts a text's headings below the page's own, none left out", () => {
  const box = shown("### a\n\n# b\n\n###### c\n\n### d");
  const names = [...box.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((one) => `${one.tagName}${one.textContent}`);
  expect(names).toEqual(["H3a", "H3b", "H4c", "H4d"]);
});

it("keeps a link in place while its marks change, so that a click in between hits it", () => {
  const { rerender } = render(<Markdown text="See [a page](https://example.org)." marked={[[4, 5]]} />);
  const link = screen.getByRole("link");
  rerender(<Markdown text="See [a page](https://example.org)." marked={[[4, 10]]} />);
  expect(screen.getByRole("link")).toBe(link);
});
