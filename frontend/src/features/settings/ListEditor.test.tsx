import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";

import { ListEditor } from "./ListEditor";

afterEach(cleanup);

function editor(values: string[], most = 50): { last: () => string[] } {
  let last = values;
  const preset = { name: "Helpful / honest", values: ["helpful", "honest"] };
  render(
    <ListEditor label="Flags" hint="" values={values} preset={preset} most={most} onChange={(now) => (last = now)} />,
  );
  return { last: () => last };
}

describe("a list of flags", () => {
  it("is added to, by Enter and by leaving the field", () => {
    const flags = editor(["rude"]);
    const next = screen.getByLabelText("Add to: Flags");
    fireEvent.change(next, { target: { value: "Too long" } });
    fireEvent.keyDown(next, { key: "Enter" });
    fireEvent.change(next, { target: { value: "Off topic" } });
    fireEvent.blur(next);
    expect(flags.last()).toEqual(["rude", "too_long", "off_topic"]);
  });

  it("is renamed, ordered and taken from", () => {
    const flags = editor(["rude", "too_long", "wrong"]);
    fireEvent.change(screen.getByLabelText("Flags, number 3"), { target: { value: "False" } });
    fireEvent.click(screen.getByLabelText("Move “False” up"));
    fireEvent.click(screen.getByLabelText("Remove “rude”"));
    expect(flags.last()).toEqual(["false", "too_long"]);
  });

  it("says what is wrong with an entry, and keeps the form from being saved with it", () => {
    const flags = editor(["rude"]);
    fireEvent.change(screen.getByLabelText("Flags, number 1"), { target: { value: "虚构" } });
    expect(screen.getByLabelText<HTMLInputElement>("Flags, number 1").validationMessage).toContain("Latin");
    expect(flags.last()).toEqual([]);
  });

  it("takes a preset in its stead, and no more entries than there may be", () => {
    const flags = editor(["rude"], 2);
    fireEvent.click(screen.getByText("Helpful / honest"));
    expect(flags.last()).toEqual(["helpful", "honest"]);
    expect(screen.getByText<HTMLButtonElement>("Add").disabled).toBe(true);
  });
});
