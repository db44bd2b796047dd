import { existsSync } from 'node:fs';

/** The browser of this machine, if there is one that tests know. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
