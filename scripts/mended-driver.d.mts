export const MENDED: RegExp;
export function mended(path: string, text: string): string;
