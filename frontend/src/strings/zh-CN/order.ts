import type { Strings } from "../en";

export const order: Strings["order"] = {
  title: "紧急程度、队列与设备",
  priority: "紧急程度",
  levels: { urgent: "紧急", normal: "普通", background: "空闲时再做" },
  priorityHint: "更紧急的运行先开始，不论属于哪个项目。",
  queue: "队列",
  queueHint: "留空：使用这类运行的默认队列。",
  devices: "设备数",
  devicesHint: "由这么多进程共同完成。留空：使用工作进程的全部设备。",
  waits: {
    pause: (when) => `将于 ${when} 再次尝试。`,
    worker: (queue) => `没有工作进程处理队列“${queue}”。需要有人启动一个：plackett work ${queue}`,
    devices: (most) => `它要求的设备数超过该队列任何工作进程的设备数：最多 ${most} 个。`,
    room: (takes, most) =>
      `它大约需要 ${takes} 内存，而该队列现有的工作进程最多能给它 ${most}。它等待内存更大的工作进程。`,
    project_limit: (running, limit) => `本项目最多同时进行 ${limit} 个运行，现在已有 ${running} 个。`,
    priority: (before) => `有 ${before} 个更紧急的运行排在前面。`,
    turn: (before, projects) =>
      [
        before > 0 ? `本项目有 ${before} 个运行排在前面。` : null,
        projects > 0 ? `还有 ${projects} 个项目与本项目轮流。` : null,
      ]
        .filter((part) => part !== null)
        .join(""),
    workers: (queue) => `下一个就是它；队列“${queue}”的工作进程正忙于其他运行。`,
  },
  runsAtOnce: "最多同时进行的运行数",
  runsAtOnceHint: "不计导入。其余的等到有运行结束。留空：有多少工作进程就有多少。",
};
