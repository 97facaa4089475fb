import { spawn } from 'node:child_process';

/** Runs a command with this process's output. @returns its exit code; 1 if it could not be started or was killed */
export function runCommand(
  command: string,
  parameters: readonly string[],
  options: { quiet?: boolean; cwd?: string } = {},
): Promise<number> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, parameters, {
      stdio: options.quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => {
      if (code !== 0 && options.quiet) console.error(output);
      resolve(code ?? 1);
    });
  });
}
