import type { Strings } from "../en";

export const reading: Strings["reading"] = {
  code: "代码",
  copyCode: "复制代码",
  table: "表格",
  done: "已完成",
  notDone: "未完成",
  differs: " [不同：",
  differsEnd: "] ",
  hiddenWords: (count) => `…… 已隐藏 ${count} 个词，显示全部`,
  showLess: "收起",
};
