const COLOUR = "#7c5cff";
const CANVAS = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"';
/** Lines of one width and colour, that are seen on light and on dark. */
const FRAME = `${CANVAS} fill="none" stroke="${COLOUR}" stroke-width="2">`;

const DRAWINGS = {
  cat: '<path d="M5 20V5l4 4h6l4-4v15zM9 13v1m6-1v1"/>',
  picture: '<path d="M3 4h18v16H3zm0 13 6-6 4 4 3-3 5 5"/>',
  pencil: '<path d="M4 20v-4L16 4l4 4L8 20zm9-13 4 4"/>',
  layers: '<path d="m12 3 9 5-9 5-9-5zm-9 9 9 5 9-5"/>',
  bars: '<path d="M5 20v-7m7 7V4m7 16v-10"/>',
  speech: '<path d="M4 4h16v12h-9l-5 4v-4H4z"/>',
  list: '<path d="M8 6h12M8 12h12M8 18h12M4 6h1m-1 6h1m-1 6h1"/>',
  cross: '<path d="m6 6 12 12M18 6 6 18"/>',
  tray: '<path d="M12 3v11m-4-4 4 4 4-4M4 20h16"/>',
  coin: '<circle cx="12" cy="12" r="9"/><path d="M12 7v10m3-8h-5v3h4v3H9"/>',
} as const;

type Drawing = keyof typeof DRAWINGS;

const OF_TOOLS: Readonly<Record<string, Drawing>> = {
  qwen_image_max_edit: "pencil",
  qwen_image_edit: "pencil",
  qwen_image_edit_plus_lora: "pencil",
  qwen_image_edit_plus_train: "bars",
  qwen_image_layered: "layers",
  longcat_chat: "speech",
  chat_threads: "speech",
  longcat_models: "list",
  image_models: "list",
  job_status: "list",
  job_list: "list",
  longcat_image_legacy_status: "list",
  job_cancel: "cross",
  job_delete: "cross",
  media_save: "tray",
  upload_link: "tray",
  spending: "coin",
};

interface Icon {
  src: string;
  mimeType: string;
}

/** The icon of a tool, in its list; one that makes pictures has a picture. */
export function iconsOf(tool: string): Icon[] {
  return drawn(OF_TOOLS[tool] ?? "picture");
}

/** The program's own. */
export const PROGRAM_ICONS: readonly Icon[] = drawn("cat");

/** The same cat as a tile, for shops, which put icons beside others' on any ground: an SVG. */
export function programTile(): string {
  const ground = `<rect width="24" height="24" rx="5.5" fill="${COLOUR}"/>`;
  const lines = 'fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"';
  const cat = `<g transform="translate(2.8 2.5) scale(.77)" ${lines} stroke-linejoin="round">`;
  return `${CANVAS} width="512" height="512"><title>longcat-mcp</title>${ground}${cat}${DRAWINGS.cat}</g></svg>\n`;
}

function drawn(name: Drawing): Icon[] {
  const svg = Buffer.from(`${FRAME}${DRAWINGS[name]}</svg>`).toString("base64");
  return [{ src: `data:image/svg+xml;base64,${svg}`, mimeType: "image/svg+xml" }];
}
