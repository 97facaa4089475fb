/** One instruction: its name in capitals, and what follows, with continued lines joined. */
export interface Instruction {
  name: string;
  text: string;
}

/** A `FROM` and what follows it. */
export interface Stage {
  image: string;
  /** Null for the last one, which nothing refers to. */
  name: string | null;
  instructions: Instruction[];
}

/** The stages of a Dockerfile that keeps to what is used here: no heredocs, no parser directives, build arguments before `FROM` only. */
export function readDockerfile(text: string): { arguments: Map<string, string>; stages: Stage[] } {
  const defaults = new Map<string, string>();
  const stages: Stage[] = [];
  for (const { name, text: rest } of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (name === 'FROM') {
      const [image = '', , as = null] = expand(rest, defaults).split(/\s+/);
      stages.push({ image, name: as, instructions: [] });
    } else if (stage !== undefined) {
      stage.instructions.push({ name, text: rest });
    } else {
      const [key = '', value = ''] = rest.split('=');
      defaults.set(key, value);
    }
  }
  return { arguments: defaults, stages };
}

/** The words of an instruction in exec form. @throws SyntaxError for the shell form */
export function execForm(text: string): string[] {
  return JSON.parse(text) as string[];
}

function instructionsOf(text: string): Instruction[] {
  const joined = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n');
  return joined.flatMap((line) => {
    const [, name, rest] = /^(\w+)\s+(.+)$/.exec(line.trim()) ?? [];
    return name === undefined || rest === undefined ? [] : { name: name.toUpperCase(), text: rest };
  });
}

function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '');
}
