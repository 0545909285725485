import type { Strings } from "../en";

export const blind: Strings["blind"] = {
  title: "盲测比较",
  lead: "两个版本回答相同的留出提示。标注者在日常任务中判断这些回答，每个任务的回答数与其他任务相同；标注者不会被告知这是比较，也不知道各由谁写成。他们的投票不进入训练数据。",
  ofPolicy: "盲测标注者的看法",
  pair: (candidate, rival) => `${candidate} 对比 ${rival}`,
  states: { open: "正在收集投票", finished: "已结束", cancelled: "已停止" },
  verdicts: { better: "更好", worse: "更差", undecided: "证据不足" },
  votes: (wins, losses, ties) => `胜 ${wins} · 负 ${losses} · 平 ${ties}`,
  identical: (count) => `${count} 个提示回答相同`,
  share: (share, low, high, percent) => `在分出胜负的投票中胜率 ${share}，${percent} % 置信序列 ${low}–${high}`,
  waiting: (count) => `${count} 个任务等待投票。`,
  needed: (count) => `照此趋势还需约 ${count} 票。`,
  restsOnOne: (most, decided, percent) =>
    `分出胜负的 ${decided} 票中有 ${most} 票来自同一人；一个人的投票最多可占结论的 ${percent} %。`,
  nobodyKnows: "尚无法估计还需要多少票。",
  stop: "停止",
  candidate: "候选",
  rival: "对比对象",
  prompts: "留出提示数（上限）",
  takes:
    "每个提示一票，投给在双方回答的两两比较中胜出更多的一方。您可以在每一票之后查看：置信序列在所有时刻同时成立。真实胜率 60 % 约需 195 张分出胜负的票才能与一半区分，55 % 约需 780 张。",
  ask: "请人判断",
  nothingToCompare: "还没有可比较的对象：需要一个使用中的模型和另一个能写回答的模型。",
};
