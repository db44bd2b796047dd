/** Warns of what is allowed but hardly meant: a FjordnetWarning of Node.js, which `process.on('warning')` hears too. */
export function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'FjordnetWarning', code });
}
