/** unshare(1) with root's rights: root itself needs no user namespace for them, which a changed root and many containers refuse. */
export const unshare = ['/usr/bin/unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
