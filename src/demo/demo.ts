export interface DemoOptions {
  write: (text: string) => void;
  isTerminal: boolean;
  columns: number;
  program: { command: string; script: string };
  environment: Readonly<Record<string, string | undefined>>;
  outputDir: string;
}

export async function runDemo(options: DemoOptions): Promise<number> {
  options.write("demo\n");
  return 0;
}
