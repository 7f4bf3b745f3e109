import type { Commission } from "../contract/commission.ts";
import { Random } from "./random.ts";

const RANK = 16;
const WIDTH = 1024;
const TENSORS = ["lora_down", "lora_up"] as const;
const BYTES_PER_NUMBER = 4;

/** A small but valid `.safetensors` file: header length, JSON header, numbers. */
export function weights(seed: string): Buffer {
  const random = new Random(`${seed}|weights`);
  const tensors: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }> = {};
  const blocks = [0, 1].flatMap((block) => TENSORS.map((name) => ({ block, name })));
  const bytesEach = RANK * WIDTH * BYTES_PER_NUMBER;
  for (const [position, { block, name }] of blocks.entries()) {
    tensors[`transformer_blocks.${block}.attn.to_q.${name}.weight`] = {
      dtype: "F32",
      shape: name === "lora_down" ? [RANK, WIDTH] : [WIDTH, RANK],
      data_offsets: [position * bytesEach, (position + 1) * bytesEach],
    };
  }
  const header = JSON.stringify({ __metadata__: { format: "pt", origin: "sandbox" }, ...tensors });
  // Padded with spaces, so that the numbers start at a multiple of eight.
  const padded = Buffer.from(header.padEnd(Math.ceil(header.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const numbers = Buffer.alloc(blocks.length * bytesEach);
  for (let at = 0; at < numbers.length; at += BYTES_PER_NUMBER)
    numbers.writeFloatLE(random.between(-0.02, 0.02), at);
  return Buffer.concat([length, padded, numbers]);
}

/** The settings of the training, as the second file of its result. */
export function trainingConfig({ prompt, inputs }: Commission): Buffer {
  const [archive = ""] = inputs;
  return Buffer.from(
    `${JSON.stringify(
      {
        model: "qwen-image-edit-plus",
        rank: RANK,
        default_caption: prompt,
        // A data URI would be the whole archive once more.
        image_data_url: archive.startsWith("data:") ? "data:" : archive,
        sandbox: true,
      },
      null,
      2,
    )}\n`,
  );
}
