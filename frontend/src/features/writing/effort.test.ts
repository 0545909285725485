import { expect, it } from "vitest";

import { effortOf } from "./effort";

const messages = [{ role: "user", content: "Why is the  sky blue?" }];

it("asks for three words of one's own", () => {
  expect(effortOf("  ", messages)).toBe("empty");
  expect(effortOf("Rayleigh scattering", messages)).toBe("short");
  expect(effortOf("why is the sky\nBLUE?", messages)).toBe("repeats");
  expect(effortOf("Blue light scatters most.", messages)).toBe("enough");
});

it("counts words also where they are written without spaces", () => {
  expect(effortOf("蓝光散射得最多。", messages)).toBe("enough");
});
