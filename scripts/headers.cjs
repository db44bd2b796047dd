'use strict';
// Where the C and C++ headers of Node-API are: in node_modules in a checkout, in deps/ in the published package (which has
// no dependency that would install them). deps/ is also where binding.gyp is published: at the top of an installed package,
// npm, pnpm and Yarn take it for a build to run (a lockfile does not carry "gypfile": false).
//   node scripts/headers.cjs     prints node-addon-api's folder, relative to the working folder, as gyp wants it
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const deps = path.join(root, 'deps');
// not what `require` finds: the user of the package may have other versions above it
const installed = (name) => path.join(root, 'node_modules', name);
const from = (...folders) => folders.find((folder) => fs.existsSync(folder)) ?? folders[0];

const nodeAddonApi = () => from(installed('node-addon-api'), path.join(deps, 'node-addon-api'));
const nodeApiHeaders = () =>
  from(path.join(installed('node-api-headers'), 'include'), path.join(deps, 'node-api-headers'));

/** Makes deps/ for publication: what a source build takes that is not in native/ and scripts/. */
function copyDeps() {
  fs.rmSync(deps, { recursive: true, force: true });
  fs.cpSync(path.join(root, 'binding.gyp'), path.join(deps, 'binding.gyp'));
  for (const file of ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h', 'LICENSE.md'])
    fs.cpSync(path.join(installed('node-addon-api'), file), path.join(deps, 'node-addon-api', file));
  const api = installed('node-api-headers');
  fs.cpSync(path.join(api, 'include'), path.join(deps, 'node-api-headers'), { recursive: true });
  fs.cpSync(path.join(api, 'LICENSE'), path.join(deps, 'node-api-headers', 'LICENSE'));
}

module.exports = { copyDeps, nodeAddonApi, nodeApiHeaders };
if (require.main === module) console.log(path.relative('.', nodeAddonApi()));
