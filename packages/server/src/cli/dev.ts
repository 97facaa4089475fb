import { readConfig } from '../config.ts';
import { createServer } from '../create-server.ts';
import { runServer } from './run-server.ts';

/** `broxi-webhooks dev`. @throws InvalidSettingError */
export async function dev(flags: Record<string, string | boolean>): Promise<void> {
  await runServer({ config: readConfig({ mode: 'dev', flags }), createServer });
}
