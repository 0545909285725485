import type { Strings } from "../en";

export const slugs: Strings["slugs"] = {
  fails_to_follow_the_instruction: "未遵循指令",
  inappropriate_for_an_assistant: "不符合助手身份",
  hallucination: "虚构事实",
  satisfies_explicit_constraint: "满足明确的约束",
  sexual_content: "色情内容",
  violent_content: "暴力内容",
  encourages_harm: "鼓励伤害行为",
  denigrates_a_protected_class: "贬低受保护群体",
  gives_harmful_advice: "给出有害建议",
  expresses_opinion: "表达个人观点",
  expresses_moral_judgment: "作出道德评判",
  helpful: "有帮助",
  honest: "诚实",
  harmless: "无害",
  unclear: "不清楚",
  contains_personal_data: "含个人信息",
};
