import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { Markdown } from "./Markdown";

afterEach(cleanup);

function shown(text: string, marked?: ReadonlySet<string>): HTMLElement {
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
  const box = shown("first line\nsecond line", new Set(["second"]));
  expect(box.querySelectorAll("br")).toHaveLength(1);
  expect(box.querySelector("mark")?.textContent).toBe("second");
});
