'use strict';
// Where the C and C++ headers of Node-API are: in node_modules in a checkout, in deps/ in the published package (which has
// no dependency that would install them).
//   node scripts/headers.cjs            prints node-addon-api's folder, relative to the working folder, as gyp wants it
//   node scripts/headers.cjs pack       copies the headers to deps/ (npm runs this before it packs)
//   node scripts/headers.cjs unpack     removes them again
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const deps = path.join(root, 'deps');
const inNodeModules = (name) => path.dirname(require.resolve(`${name}/package.json`, { paths: [root] }));
const packed = (name) => fs.existsSync(path.join(deps, name));

const nodeAddonApi = () =>
  packed('node-addon-api') ? path.join(deps, 'node-addon-api') : inNodeModules('node-addon-api');
const nodeApiHeaders = () =>
  packed('node-api-headers')
    ? path.join(deps, 'node-api-headers')
    : path.join(inNodeModules('node-api-headers'), 'include');

function pack() {
  const addonApi = inNodeModules('node-addon-api');
  for (const file of ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h', 'LICENSE.md'])
    fs.cpSync(path.join(addonApi, file), path.join(deps, 'node-addon-api', file));
  const api = inNodeModules('node-api-headers');
  fs.cpSync(path.join(api, 'include'), path.join(deps, 'node-api-headers'), { recursive: true });
  fs.cpSync(path.join(api, 'LICENSE'), path.join(deps, 'node-api-headers', 'LICENSE'));
}

module.exports = { nodeAddonApi, nodeApiHeaders };
if (require.main === module) {
  if (process.argv[2] === 'pack') pack();
  else if (process.argv[2] === 'unpack') fs.rmSync(deps, { recursive: true, force: true });
  else console.log(path.relative('.', nodeAddonApi()));
}
