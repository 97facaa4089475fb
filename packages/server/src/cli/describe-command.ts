import type { Command } from 'commander';
import { flagName, SETTINGS, variableName } from '../config.ts';

/** What `migrate` and `copy` need of the settings; `serve` and `dev` take every one. */
const SETTINGS_OF: Readonly<Record<string, readonly string[]>> = {
  migrate: ['config', 'database_url'],
  copy: ['config', 'encryption_key'],
};

/** Adds a flag per setting to a command that reads them. */
export async function describeSettings(command: Command): Promise<void> {
  const taken = SETTINGS_OF[command.name()] ?? Object.keys(SETTINGS);
  for (const [name, { about, placeholder, otherwise }] of Object.entries(SETTINGS)) {
    if (!taken.includes(name)) continue;
    command.option(`${flagName(name)} ${placeholder}`, `${about} (${variableName(name)}; default: ${otherwise})`);
  }
  command.addHelpText(
    'after',
    '\nFlags go before environment variables, these before the file that --config names.\nThe file uses the names of the flags with _ for -, such as "database_url".',
  );
}

/** Lists the types that have a sample in the help of `send`. */
export async function describeSamples(command: Command): Promise<void> {
  const { sampleNames } = await import('./sample-event.ts');
  command.addHelpText('after', `\nSamples: ${sampleNames().join(', ')}`);
}
