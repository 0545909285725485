import { afterEach, describe, expect, it } from "vitest";

import type { Judged } from "@/api/types";
import { speak } from "@/strings";

import { lossText } from "./SftFacts";
import { bodyOf, exact, points, rangeOf, verdictsOf, votesText } from "./wording";

const NOISE = "within noise";
type Verdict = Judged["gain"]["verdict"];

interface Case {
  gain?: Verdict;
  longer?: Verdict;
  people?: Verdict | null;
  believed?: boolean;
}

function judged({ gain = "above", longer = "above", people = "below", believed = true }: Case = {}): Judged {
  const difference = (value: number, verdict: Verdict) => ({ value, low: null, high: null, verdict });
  return {
    gain: difference(gain === "below" ? -0.081 : 0.0812, gain),
    accuracy_over_longer: difference(longer === "below" ? -0.056 : 0.056, longer),
    ceiling: people === null ? null : { model_over_people: difference(people === "above" ? 0.02 : -0.223, people) },
    calibration: { error: 0.0768, error_of_a_perfect_model: 0.0421, error_within_noise: believed },
  } as unknown as Judged;
}

function told(which: Case, correlation: number | null = null): string[] {
  return verdictsOf(judged(which), correlation).map((one) => one.text);
}

afterEach(() => speak("en"));

describe("the sentences", () => {
  it("say what the figures show, with their size and without their sign", () => {
    expect(told({})).toEqual([
      "It knows what people prefer: 0.081 nats less log loss per judgment than equal scores.",
      "Better than taking the longer answer, by 5.6 points of accuracy.",
      "The majority of the others foretells a person better than it does, by 22.3 points.",
      "Its chances can be believed: calibration error 0.077, within noise of a perfect model's 0.042.",
    ]);
    expect(told({ gain: "below", longer: "below" }).slice(0, 2)).toEqual([
      "Worse than equal scores, by 0.081 nats per judgment. Do not use it.",
      "Worse than taking the longer answer, by 5.6 points of accuracy.",
    ]);
  });

  it.each(["en", "zh-CN"] as const)("call nothing better that lies within noise (%s)", async (language) => {
    await speak(language);
    const noise = language === "en" ? /within noise/i : /误差范围内/u;
    const praise = language === "en" ? /better|worse|knows what people prefer:/i : /优于|不如|更准/u;
    for (const text of told({ gain: NOISE, longer: NOISE, people: NOISE }).slice(0, 3)) {
      expect(text).toMatch(noise);
      expect(text).not.toMatch(praise);
    }
  });

  it("keep the sign of a difference within noise", () => {
    expect(told({ longer: NOISE })[1]).toBe("Within noise of taking the longer answer (+5.6 points of accuracy).");
  });

  it("say that people's agreement is unknown, and that chances are off", () => {
    const text = told({ people: null, believed: false });
    expect(text[2]).toBe("How far people agree is unknown: no pair was judged by two of them.");
    expect(text[3]).toBe("Its chances are off: calibration error 0.077, where a perfect model would show 0.042.");
  });

  it("grow sharper as score and length go together", () => {
    const tones = [0.02, -0.2, 0.4, -0.8].map((r) => verdictsOf(judged(), r).at(-1));
    expect(tones.map((one) => one?.tone)).toEqual(["good", "neutral", "warn", "bad"]);
    expect(tones[3]?.text).toContain("r = -0.8");
  });

  it("tell a fine-tuning's loss from both sides, and when there is none", () => {
    expect(lossText(2, 1.5)).toBe("Held-out loss fell by 0.5 nats a token.");
    expect(lossText(1.5, 2)).toContain("rose by 0.5");
    expect(lossText(null, 2)).toContain("Nothing was held out");
  });
});

describe("figures", () => {
  it("have three digits at most, points have their sign", () => {
    expect([exact(0.123456), exact(null), exact(-0.0001)]).toEqual(["0.123", "–", "0"]);
    expect([points(0.0561), points(-0.0561), points(0)]).toEqual(["+5.6", "-5.6", "0"]);
  });

  it("have no interval where groups were too few", () => {
    expect(rangeOf({ value: 1, low: 0.5, high: 2 }, exact)).toBe("0.5 to 2");
    expect(rangeOf({ value: 1, low: null, high: null }, exact)).toBe("");
    expect(rangeOf({ value: 1 }, exact)).toBe("");
  });
});

it("counts what people said of a pair", () => {
  expect(votesText({ preferred: 2, other: 1, tie: 0 })).toEqual({ preferred: "2 votes", other: "1 vote", tie: null });
  expect(votesText({ preferred: 2, other: 0, tie: 1 }).tie).toBe("1 person saw a tie");
});

it("shows a card without its front matter", () => {
  expect(bodyOf("---\ntags: [a]\n---\n# Reward model\n\n---\nmore")).toBe("# Reward model\n\n---\nmore");
  expect(bodyOf("# Fine-tuned model")).toBe("# Fine-tuned model");
});
