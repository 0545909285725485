import type { Strings } from "../en";

const STRENGTHS: Record<number, string> = { 1: "几乎无差别地", 2: "略微", 3: "明显", 4: "显著" };

export const form: Strings["desk"]["form"] = {
  scale: "哪个回答更好？",
  better: (letter) => `${letter} 更好`,
  point: (letter, strength) => {
    const words = strength === null ? undefined : STRENGTHS[strength];
    return words === undefined ? `${letter} 更好` : `${letter} ${words}更好`;
  },
  strength: (strength) => ({ 1: "极小", 2: "略微", 3: "明显", 4: "显著" })[strength] ?? String(strength),
  same: "差不多",
  strengthNext: "好多少？输入 1 到 4。",
  enterSubmits: "按回车键提交。",
  preferenceMissing: "请说明哪个回答更好，或者两者差不多。",
  strengthMissing: "请说明好多少：1 极小，4 显著。",
  scores: (letter) => `回答 ${letter} 的评分`,
  rateAspect: (letter, aspect, value) => `${aspect}：给回答 ${letter} 打 ${value} 分（满分 7 分）`,
  aspectSaid: (letter, aspect, value) =>
    value === null ? `${letter} 的${aspect}没有评分。` : `${letter} 的${aspect}：${value} 分，满分 7 分。`,
  flagSaid: (letter, flag, isOn) => (isOn ? `${letter}：${flag}。` : `${letter}：取消${flag}。`),
  flagsOf: (letter) => `回答 ${letter} 的标记`,
  flagsKeys: "按键选择，Esc 关闭",
  noneAcceptable: "没有一个回答可以接受",
  noneAcceptableHint: "不排序直接提交时，视为同样差。",
  promptFlags: "关于提示",
};
