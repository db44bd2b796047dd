'use strict';
// Where the C and C++ headers of Node-API are: in node_modules in a checkout, in deps/ in the published package (which has
// no dependency that would install them). Prints the include folder of node-addon-api, relative, as gyp wants it.
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

/** The folder of `name`'s header files. */
function headers(name, folder) {
  const packed = path.join(root, 'deps', name);
  if (fs.existsSync(packed)) return packed;
  return path.join(path.dirname(require.resolve(`${name}/package.json`)), folder);
}

const nodeAddonApi = () => headers('node-addon-api', '.');
const nodeApiHeaders = () => headers('node-api-headers', 'include');

module.exports = { nodeAddonApi, nodeApiHeaders };
if (require.main === module) console.log(path.relative('.', nodeAddonApi()));
