import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';

/** One version of a package: its manifest, and the tarball of `npm pack`. */
export interface Published {
  manifest: { name: string; version: string };
  tarball: string;
}

/** A registry of a few packages on the loopback interface; all others are unknown to it. */
export class Registry {
  readonly #server: Server;

  private constructor(packages: Published[]) {
    const files = new Map(packages.map(({ tarball }) => [`/${basename(tarball)}`, readFileSync(tarball)]));
    const documents = new Map(packages.map((entry) => [`/${entry.manifest.name}`, entry]));
    this.#server = createServer((request, response) => {
      const file = files.get(request.url!);
      const entry = documents.get(request.url!);
      if (file) response.end(file);
      else if (entry) response.setHeader('content-type', 'application/json').end(JSON.stringify(this.#document(entry)));
      else response.writeHead(404).end('{}');
    });
  }

  static async of(packages: Published[]): Promise<Registry> {
    const registry = new Registry(packages);
    await new Promise<void>((listening) => registry.#server.listen(0, '127.0.0.1', listening));
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** As a registry has it: each version's manifest and where its tarball is. */
  #document({ manifest, tarball }: Published): object {
    const bytes = readFileSync(tarball);
    const hash = (name: string, encoding: 'hex' | 'base64') => createHash(name).update(bytes).digest(encoding);
    const dist = {
      tarball: `${this.url}${basename(tarball)}`,
      shasum: hash('sha1', 'hex'),
      integrity: `sha512-${hash('sha512', 'base64')}`,
    };
    const { name, version } = manifest;
    return {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
      time: { [version]: '2026-01-01T00:00:00.000Z' },
    };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
