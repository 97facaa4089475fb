import { readText } from './deploy-files.ts';

/** The seconds that a stop may take: whoever kills it sooner cuts off what is in the air. */
export const STOP_LIMIT_S =
  Number(
    /const STOP_LIMIT_MS = ([\d_]+);/.exec(readText('packages/server/src/cli/run-server.ts'))?.[1]?.replace('_', ''),
  ) / 1000;
