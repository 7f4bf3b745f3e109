interface Turn {
  isMirrored: boolean;
  degrees: number;
}

const TURNS: Readonly<Record<number, Turn>> = {
  2: { isMirrored: true, degrees: 0 },
  3: { isMirrored: false, degrees: 180 },
  4: { isMirrored: true, degrees: 180 },
  5: { isMirrored: true, degrees: 270 },
  6: { isMirrored: false, degrees: 90 },
  7: { isMirrored: true, degrees: 90 },
  8: { isMirrored: false, degrees: 270 },
};

/** What makes a picture of an EXIF orientation upright: first the mirror, then the turn clockwise. */
export function turnFor(orientation: number | undefined): Turn {
  return TURNS[orientation ?? 1] ?? { isMirrored: false, degrees: 0 };
}
