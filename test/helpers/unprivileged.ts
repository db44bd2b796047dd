/** Root may write everywhere: what comes before a command that is to be held to permissions as everybody is. */
export const unprivileged =
  process.getuid?.() === 0 ? ['/usr/bin/setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
