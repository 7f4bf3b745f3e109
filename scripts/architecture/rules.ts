/** A folder or file of the program, and what it may lean on. */
export interface Room {
  /** A folder with its `/`, or one file; the longest that fits a path is the path's room. */
  path: string;
  /** One line of what it is for; shown in the picture of the layers. */
  about: string;
  /** The rooms that it may import. Itself it may always. */
  uses: readonly string[];
}

/** A kind of text or package that only some rooms may contain. */
export interface Reserved {
  what: string;
  /** Packages of this kind. */
  packages?: readonly string[];
  /** What a literal text of this kind looks like. */
  text?: RegExp;
  /** Rooms that may. */
  only: readonly string[];
}

export interface Rules {
  /** The most lines that a file may have. */
  maxLines: number;
  /** The most lines that half of all files, and nine files of ten, may have. */
  sizes: { median: number; ninth: number };
  rooms: readonly Room[];
  reserved: readonly Reserved[];
}
