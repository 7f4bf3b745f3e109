import { Tiktoken } from "js-tiktoken/lite";
import o200kBase from "js-tiktoken/ranks/o200k_base";

const encoding = new Tiktoken(o200kBase);

/** How many tokens a text is to a model, by the encoding `o200k_base`. */
export function tokensIn(text: string): number {
  return encoding.encode(text).length;
}
