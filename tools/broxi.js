/**
 * The command line, run from the sources. In JavaScript, so that the cache of compiled code is on before any file with types
 * is loaded: what strips the types is not even loaded then, which takes 10 MB.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('../packages/server/src/cli/main.ts');
