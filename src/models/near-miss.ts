/**
 * Values that different models use for one and the same thing. The gateway has three vocabularies
 * of sizes and five of accelerations, so a value that is right for one model is a near miss for
 * the next; and so are the names under which they take pictures.
 */
const SAME_MEANING: readonly (readonly string[])[] = [
  ["landscape_16_9", "ultra_wide_16_9", "16:9", "widescreen", "1024x576", "1920x1080", "1280x720"],
  ["portrait_9_16", "portrait_16_9", "ultra_portrait_9_16", "9:16", "576x1024", "1080x1920"],
  ["landscape_4_3", "landscape_hd", "4:3", "landscape", "1024x768"],
  ["portrait_3_4", "portrait_4_3", "portrait_hd", "3:4", "portrait", "768x1024"],
  ["square_1_1", "square_hd", "square", "1:1", "1024x1024", "1024*1024", "1328*1328"],
  ["fast", "high_performance", "ultra_fast", "high", "turbo"],
  ["none", "regular", "normal", "default", "standard"],
  ["jpeg", "jpg", "image/jpeg"],
  ["png", "image/png"],
  ["webp", "image/webp"],
  ["image", "image_url", "image_urls"],
];

const MAX_EDIT_SHARE = 0.4;

/** The allowed value that `value` most likely stands for, if there is a likely one. */
export function nearMiss(value: string, allowed: readonly string[]): string | undefined {
  const wanted = normalise(value);
  const exact = allowed.find((candidate) => normalise(candidate) === wanted);
  if (exact !== undefined) return exact;
  const group = SAME_MEANING.find((names) => names.some((name) => normalise(name) === wanted));
  const synonym = group && allowed.find((candidate) => group.includes(candidate));
  if (synonym !== undefined) return synonym;
  const closest = allowed
    .map((candidate) => ({ candidate, distance: editDistance(wanted, normalise(candidate)) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (!closest) return undefined;
  const longest = Math.max(wanted.length, closest.candidate.length);
  return closest.distance <= longest * MAX_EDIT_SHARE ? closest.candidate : undefined;
}

function normalise(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, "_")
    .replaceAll(/[*×]/g, "x");
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
