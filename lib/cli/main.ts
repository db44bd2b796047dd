#!/usr/bin/env node
import module from 'node:module';

// Node 22.8 and later keep compiled code between runs, in a folder of the system's temporary one: a third of the start that is ours.
// For a whole process, so only here, where the process is ours.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
const { start } = await import('./start.js');
await start();
