#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import type { CopyFlags } from './copy.ts';
import { EXIT_USAGE } from './exit-codes.ts';
import type { SendFlags } from './send.ts';

enableCompileCache();

// Each command's code is imported when that command runs: `--help` and mistakes answer at once.
const program = new Command('broxi-webhooks')
  .description('Webhooks for AI-workflow events: durable, signed, filtered, retried, visible.')
  .version(VERSION)
  .showHelpAfterError('Run it with --help to see what it takes.')
  .configureHelp({ showGlobalOptions: false })
  .helpCommand(false)
  .exitOverride();

program
  .command('serve')
  .description('run the server')
  .action(async (flags) => (await import('./serve.ts')).serve(flags));

program
  .command('dev')
  .description("run the server for one's own machine: http and receivers on loopback are allowed")
  .action(async (flags) => (await import('./dev.ts')).dev(flags));

program
  .command('migrate')
  .description('bring the database up to date; the server does it too, at its start')
  .action(async (flags) => (await import('./migrate.ts')).migrateDatabase(flags));

program
  .command('copy')
  .description('move a SQLite file to PostgreSQL, most of it while its server is running')
  .option('--from <url>', 'database to copy (default: sqlite:./broxi-data/broxi.db)')
  .option(
    '--to <url>',
    'empty PostgreSQL database to copy it into; may lack the password, which PGPASSWORD says (default: BROXI_DATABASE_URL)',
  )
  .action(async (flags: CopyFlags) => (await import('./copy.ts')).copyDatabase(flags));

program
  .command('send')
  .description('send one event to a running server')
  .argument('<event>', 'type of the event, such as workflow.completed')
  .option('--file <path>', 'JSON file with the data of the event; - reads standard input')
  .option('--sample', 'send the sample of that type (the default without --file)')
  .option('--url <url>', 'address of the server', 'http://127.0.0.1:8080')
  .option('--key <key>', 'API key (default: BROXI_API_KEY, else the key of a dev server in ./broxi-data)')
  .option('--id <id>', 'id of the event: the same one is never taken twice')
  .action(async (event: string, flags: SendFlags) => (await import('./send.ts')).send(event, flags));

program.hook('preSubcommand', async (_, command) => {
  const { describeSamples, describeSettings } = await import('./describe-command.ts');
  if (command.name() === 'send') await describeSamples(command);
  else await describeSettings(command);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  else (await import('./report-failure.ts')).reportFailure(error);
}
