import type { Strings } from "../en";

export const guidelines: Strings["guidelines"] = {
  title: "标注指南",
  lead: "标注者遵循的准则，在排序台上一键即可打开。每个版本都会保留，每个判断都记录其所依据的版本。",
  text: "正文（Markdown）",
  placeholder: "在这里，怎样的回答算好？真实与有用冲突时，以哪个为先？请给出两个例子。",
  preview: "预览",
  changes: "更改",
  versions: "版本",
  views: "正文旁的视图",
  emptyTitle: "还没有标注指南",
  emptyText: "半页就是很好的开始：什么最重要，拿不准时怎么办，再附两个带理由的例子。",
  save: "保存为新版本",
  none: "尚未保存",
  current: (number, who, when) => `第 ${number} 版，${who}，${when}`,
  unsaved: "尚未保存；已留存在此浏览器",
  restored: "已恢复您未保存的内容。",
  discard: "放弃",
  saved: (number) => `第 ${number} 版已保存。标注者会看到更改之处。`,
  service: "服务",
  version: (number) => `第 ${number} 版`,
  from: "从",
  restore: "重新采用此版本",
  conflictTitle: (who, number) => `您撰写期间，${who} 保存了第 ${number} 版`,
  conflictText: "没有保存任何内容，您的文本仍在编辑器中。下面是您的文本对其版本的更改。",
  merge: "合并双方",
  takeTheirs: "采用对方版本",
  keepMine: "以我的版本为准",
  merged: (conflicts) =>
    conflicts === 0
      ? "双方已合并，没有同时更改之处。请通读后保存。"
      : `双方已合并。有 ${conflicts} 处被双方同时更改：对方的内容在前，您的在后。请整理后保存。`,
};
