import { inked, type Lettering } from "../../core/lettering.ts";
import type { Size } from "../contract/commission.ts";

/** What is written on a picture. */
export interface Inscription {
  title: string;
  /** "2/4", where there are several. */
  place: string | undefined;
  caption: string;
  watermark: boolean;
  accent: string;
  /** Over another picture's own lettering: a darker panel. */
  dense: boolean;
}

const MARK = "SANDBOX";
const WATERMARK = "AI generated";
const CAPTION_SHARE = 0.34;

/** Title, sandbox mark and caption as the inside of an SVG. */
export function overlay(lettering: Lettering, inscription: Inscription, size: Size): string {
  const { width, height } = size;
  const unit = Math.min(width, height);
  const margin = unit * 0.035;
  const small = Math.max(9, unit * 0.027);
  const title = [inscription.title, inscription.place].filter(Boolean).join("  ·  ");
  const mark = chip(
    lettering,
    MARK,
    { right: width - margin, top: margin, fontSize: small },
    "#ffffff",
    "#d6336c",
  );
  const name = chip(
    lettering,
    title,
    { left: margin, top: margin, fontSize: small, maxWidth: width - mark.width - margin * 3 },
    "#ffffff",
    "#0b1020",
  );
  const caption = panel(lettering, inscription, size, margin);
  const watermark = inscription.watermark
    ? stamp(lettering, {
        right: width - margin,
        bottom: caption.top - margin / 2,
        fontSize: small * 0.8,
      })
    : "";
  return name.svg + mark.svg + caption.svg + watermark;
}

function chip(
  lettering: Lettering,
  text: string,
  at: { left?: number; right?: number; top: number; fontSize: number; maxWidth?: number },
  ink: string,
  ground: string,
): { svg: string; width: number } {
  const { top, fontSize } = at;
  const padding = fontSize * 0.8;
  const maxWidth = Math.max(fontSize * 3, (at.maxWidth ?? Number.POSITIVE_INFINITY) - 2 * padding);
  const measured = lettering.line(text, { x: 0, y: 0, fontSize, maxWidth });
  const width = measured.width + 2 * padding;
  const height = fontSize * 1.9;
  const left = at.left ?? (at.right ?? 0) - width;
  const written = lettering.line(text, {
    x: left + padding,
    y: top + (height - measured.height) / 2,
    fontSize,
    maxWidth,
  });
  const box = `<rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" rx="${px(height / 2)}" fill="${ground}" fill-opacity="0.8"/>`;
  return { svg: box + inked(written, ink), width };
}

function panel(
  lettering: Lettering,
  { caption, accent, dense }: Inscription,
  { width, height }: Size,
  margin: number,
): { svg: string; top: number } {
  if (caption.trim() === "") return { svg: "", top: height - margin };
  const unit = Math.min(width, height);
  const padding = unit * 0.032;
  const text = lettering.paragraph(caption, {
    width: width - 2 * (margin + padding) - unit * 0.014,
    height: height * CAPTION_SHARE - 2 * padding,
    largest: Math.max(14, unit * 0.062),
    smallest: Math.max(11, unit * 0.028),
  });
  const panelHeight = text.height + 2 * padding;
  const top = height - margin - panelHeight;
  const left = margin + padding + unit * 0.014;
  const written = text.place(left, top + padding);
  const box = `<rect x="${px(margin)}" y="${px(top)}" width="${px(width - 2 * margin)}" height="${px(panelHeight)}" rx="${px(unit * 0.02)}" fill="#0b1020" fill-opacity="${dense ? 0.84 : 0.7}"/>`;
  const bar = `<rect x="${px(margin + padding * 0.5)}" y="${px(top + padding)}" width="${px(unit * 0.008)}" height="${px(text.height)}" rx="${px(unit * 0.004)}" fill="${accent}"/>`;
  return { svg: box + bar + inked(written, "#ffffff"), top };
}

function stamp(
  lettering: Lettering,
  at: { right: number; bottom: number; fontSize: number },
): string {
  const { right, bottom, fontSize } = at;
  const measured = lettering.line(WATERMARK, { x: 0, y: 0, fontSize });
  const place = (shift: number) =>
    lettering.line(WATERMARK, {
      x: right - measured.width + shift,
      y: bottom - measured.height + shift,
      fontSize,
    });
  return inked(place(fontSize * 0.07), "#000000", 0.5) + inked(place(0), "#ffffff", 0.85);
}

function px(value: number): string {
  return value.toFixed(1);
}
