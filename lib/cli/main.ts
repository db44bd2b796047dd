#!/usr/bin/env node
import { commandLine } from './command-line.js';
import { watchStandardStreams } from './interrupt.js';

watchStandardStreams();
process.removeAllListeners('warning');
process.on('warning', ({ message }) => process.stderr.write(`fjordnet: ${message}\n`));
process.exitCode = await commandLine(process.argv.slice(2));
