import { Random } from "./random.ts";

export interface Palette {
  /** From the zenith down to the horizon. */
  sky: readonly [string, string, string];
  sun: string;
  /** The farthest and the nearest land. */
  far: string;
  near: string;
  accent: string;
  night: boolean;
}

export type SceneKind = "mountains" | "hills" | "lake" | "dunes" | "city" | "tiles";

const palette = (
  sky: Palette["sky"],
  sun: string,
  [far, near]: [string, string],
  accent: string,
  night = false,
): Palette => ({ sky, sun, far, near, accent, night });

const PALETTES = {
  dusk: palette(["#231f5c", "#8a3f86", "#ff9a76"], "#ffe3b3", ["#8c4f8f", "#1a1238"], "#ff7e67"),
  gold: palette(["#e8853d", "#f9bb5b", "#ffeec0"], "#fffbe6", ["#d48a45", "#3d2112"], "#c8452d"),
  night: palette(
    ["#050a26", "#12305c", "#2b7a83"],
    "#f2f8ff",
    ["#1d4f6b", "#040c1a"],
    "#6ee7c8",
    true,
  ),
  alpine: palette(["#3f84c9", "#95cbf0", "#f4f7ee"], "#fff6d0", ["#93b7d3", "#1c3a4e"], "#e4572e"),
  forest: palette(["#7fb7a2", "#cfe5c2", "#fbf3d0"], "#fffbe0", ["#8db59a", "#12301f"], "#e0a526"),
  coral: palette(["#4f6fb3", "#f29ca0", "#ffe1bd"], "#fff7e8", ["#c2788f", "#2e2149"], "#ef476f"),
  sand: palette(["#6fb1c9", "#f3d9a8", "#fdeecb"], "#fffdf0", ["#dba063", "#74351a"], "#1d7874"),
  violet: palette(["#2b1055", "#6a5acd", "#c9b6f2"], "#ffffff", ["#8676cf", "#190b3a"], "#ffb86b"),
  mint: palette(["#0f5463", "#5fb28c", "#e6f6d2"], "#ffffff", ["#5ba58b", "#0a2c35"], "#ff8552"),
  winter: palette(["#6b87b0", "#b9cce2", "#f1f5fa"], "#ffffff", ["#a9bcd3", "#2b3c55"], "#d1495b"),
} as const;

type PaletteName = keyof typeof PALETTES;

const MOODS: readonly [RegExp, PaletteName][] = [
  [/\b(night|moon|star|stars|aurora|dark|midnight|space|galaxy)\b/, "night"],
  [/\b(sunset|dusk|evening|twilight|neon)\b/, "dusk"],
  [/\b(gold|golden|savanna|serengeti|lion|lioness|autumn|warm|firelight|elder)\b/, "gold"],
  [/\b(snow|snowy|winter|ice|frost|knitting)\b/, "winter"],
  [/\b(forest|jungle|rainforest|moss|mossy|wood|garden|green)\b/, "forest"],
  [/\b(desert|sand|dune|dunes|beach)\b/, "sand"],
  [/\b(mountain|mountains|alps|alpine|peak|peaks|sky)\b/, "alpine"],
  [/\b(sea|ocean|coral|rose|pink|flower|flowers)\b/, "coral"],
];
const PLACES: readonly [RegExp, SceneKind][] = [
  [/\b(city|street|skyline|neon|car|highway|tower|building|buildings)\b/, "city"],
  [/\b(lake|sea|ocean|river|water|canoe|boat|shore|waterfall)\b/, "lake"],
  [/\b(desert|dune|dunes|sand|sahara)\b/, "dunes"],
  [/\b(mountain|mountains|alps|peak|peaks|cliff|rock)\b/, "mountains"],
  [/\b(hill|hills|meadow|grass|field|farm|savanna|serengeti|forest)\b/, "hills"],
  [/\b(abstract|geometric|poster|logo|pattern|bauhaus|icon)\b/, "tiles"],
];
const KINDS: readonly SceneKind[] = ["mountains", "hills", "lake", "dunes", "city", "tiles"];

/**
 * Colours and scenery for one picture: words of the prompt steer the first picture of a job, and
 * each further one takes other colours.
 */
export function chooseScene(
  prompt: string,
  seed: string,
  index: number,
): { palette: Palette; kind: SceneKind } {
  const words = prompt.slice(0, 4000).toLowerCase();
  const random = new Random(`${seed}|scene`);
  const names = Object.keys(PALETTES);
  const mood = MOODS.find(([pattern]) => pattern.test(words))?.[1];
  const anywhere = Math.floor(random.next() * names.length);
  const start = mood === undefined ? anywhere : names.indexOf(mood);
  const kind = Math.floor(random.next() * KINDS.length) + index;
  return {
    // 3 has no factor in common with the number of palettes: none comes twice too soon.
    palette: Object.values(PALETTES)[(start + index * 3) % names.length] ?? PALETTES.dusk,
    kind:
      PLACES.find(([pattern]) => pattern.test(words))?.[1] ?? KINDS[kind % KINDS.length] ?? "hills",
  };
}

/** The colour `share` of the way from one to the other; colours as `#rrggbb`. */
export function mix(from: string, to: string, share: number): string {
  const channel = (at: number) => {
    const a = Number.parseInt(from.slice(at, at + 2), 16);
    const b = Number.parseInt(to.slice(at, at + 2), 16);
    return Math.round(a + (b - a) * share)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}
