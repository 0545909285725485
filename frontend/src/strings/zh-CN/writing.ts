import type { Strings } from "../en";

export const writing: Strings["desk"]["writing"] = {
  title: "撰写回答",
  today: (count) => `今日已写 ${count} 个`,
  answer: "您的回答",
  hint: "写出您自己希望得到的回答。支持 Markdown。",
  write: "撰写",
  preview: "预览",
  previewEmpty: "您所写的内容会以读者看到的样子显示在这里。",
  words: (count) => `${count} 词`,
  empty: "请先写回答。",
  short: "回答至少要有三个词。",
  repeats: "这只是重复了提示，请写出自己的内容。",
  submit: "提交",
  skip: "跳过",
  sending: "正在发送……",
  submitted: "已提交。其他人可以为它排序，您自己不会。",
  skipped: "已跳过。",
  restored: "您未完成的回答已恢复。",
  newTask: "一个待回答的提示",
  waiting: {
    paused: "已暂停",
    not_asked: "此项目不需要撰写",
    daily_cap: "今天的任务已完成",
    all_done: "没有待撰写的提示",
  },
  toRanking: "前往排序台",
};
