import { longcatImage } from "./longcat-image.ts";
import type { AnyOperation } from "./operation.ts";
import { qwenImage } from "./qwen-image.ts";
import { qwenImageEdit } from "./qwen-image-edit.ts";
import { qwenImageEditPlusLora } from "./qwen-image-edit-plus-lora.ts";
import { qwenImageEditPlusTrain } from "./qwen-image-edit-plus-train.ts";
import { qwenImageLayered } from "./qwen-image-layered.ts";
import { qwenImageMax } from "./qwen-image-max.ts";
import { qwenImageMaxEdit } from "./qwen-image-max-edit.ts";
import { zImageBase } from "./z-image-base.ts";
import { zImageTurbo } from "./z-image-turbo.ts";

/** The catalogue, in the order in which tools are listed. */
export const OPERATIONS: readonly AnyOperation[] = [
  longcatImage,
  zImageTurbo,
  zImageBase,
  qwenImageMax,
  qwenImageMaxEdit,
  qwenImageEditPlusLora,
  qwenImageEditPlusTrain,
  qwenImageLayered,
  qwenImageEdit,
  qwenImage,
];

export function operationNamed(name: string): AnyOperation | undefined {
  return OPERATIONS.find((operation) => operation.name === name);
}

/** The operation whose model id begins a gateway request id (`{model_id}_{uuid}`). */
export function operationOfRequestId(requestId: string): AnyOperation | undefined {
  return OPERATIONS.find(
    (operation) => operation.kind === "queued" && requestId.startsWith(`${operation.modelId}_`),
  );
}
