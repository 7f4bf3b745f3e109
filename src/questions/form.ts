import { fieldsOf } from "../core/json-fields.ts";
import type { Choice, Question } from "../core/question.ts";

/** The one field of a form, where there is something to choose. */
const FIELD = "choice";

/** What a client is asked, as `elicitation/create` has it in every revision. */
export interface ElicitationForm {
  mode: "form";
  message: string;
  requestedSchema: {
    type: "object";
    properties: Record<string, { type: "string"; title: string; enum: string[]; default?: string }>;
    required?: string[];
  };
}

/** A question as a form; without a choice it has no field, and an accept says all. */
export function formOf({ text, choice }: Question): ElicitationForm {
  return {
    mode: "form",
    message: text,
    requestedSchema: choice
      ? { type: "object", properties: { [FIELD]: fieldOf(choice) }, required: [FIELD] }
      : { type: "object", properties: {} },
  };
}

function fieldOf({ title, values, preset }: Choice) {
  return {
    type: "string" as const,
    title,
    enum: [...values],
    ...(preset === undefined ? {} : { default: preset }),
  };
}

/** What a client's answer comes to; whatever is no answer of the protocol's is `unclear`. */
export type Reply =
  | { kind: "accepted"; chosen: string }
  | { kind: "declined" | "cancelled" | "unclear" };

/** Reads what a client has answered to a form. */
export function readReply(answer: unknown, { choice }: Question): Reply {
  const { action, content } = fieldsOf(answer) ?? {};
  if (action === "decline") return { kind: "declined" };
  if (action === "cancel") return { kind: "cancelled" };
  if (action !== "accept") return { kind: "unclear" };
  if (!choice) return { kind: "accepted", chosen: "" };
  const chosen = fieldsOf(content)?.[FIELD] ?? choice.preset;
  const known = choice.values.find((value) => value === chosen);
  return known === undefined ? { kind: "unclear" } : { kind: "accepted", chosen: known };
}

/**
 * Whether a client says that it shows its user forms. One that names no way of asking at all shows
 * them: so it was before there were two.
 */
export function showsForms(capabilities: unknown): boolean {
  const ways = fieldsOf(fieldsOf(capabilities)?.["elicitation"]);
  return ways !== undefined && (ways["form"] !== undefined || ways["url"] === undefined);
}
