/**
 * The names of the actions that an elizaOS plugin lists, as the smallest script that imports it sees them, for
 * `evals/listed.py`: `node --input-type=module -e SCRIPT PACKAGE FILE`, run in the folder where the package is installed.
 *
 * It knows nothing of how the worker finds a plugin: the first export that is one counts, and a function that makes one
 * is not called. Writes a JSON array to FILE, or null where no export is a plugin: plugins print, too.
 */

import { writeFileSync } from 'node:fs'

const module = await import(process.argv[1])
const exports = [module.default, module.default?.default, ...Object.values(module)]
const plugin = exports.find((value) => value && typeof value === 'object' && typeof value.name === 'string' &&
  ['actions', 'providers', 'services', 'models', 'evaluators', 'routes'].some((part) => value[part]))
const names = plugin ? (plugin.actions ?? []).map((action) => action.name) : null
writeFileSync(process.argv[2], JSON.stringify(names))
process.exit(0)
