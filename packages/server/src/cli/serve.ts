import { readConfig } from '../config.ts';
import { createServer } from '../create-server.ts';
import { runServer } from './run-server.ts';

/** `broxi-webhooks serve`. @throws InvalidSettingError */
export async function serve(flags: Record<string, string | boolean>): Promise<void> {
  await runServer({ config: readConfig({ mode: 'serve', flags }), createServer });
}
