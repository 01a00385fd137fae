/** Importing a plugin's package, and finding the plugin object and the `@elizaos/core` that belong to it. */

import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import vm from 'node:vm'
import { PackageCode } from './package_code.mjs'
import { ActionFailedError, describeError, placeOf } from './plain.mjs'

const { constants, Script } = vm // an older Node has no constants there
const OLDEST_NODE = '20.12'
const CORE = '@elizaos/core'
const PARTS = [
  'actions', 'providers', 'services', 'evaluators', 'routes', 'models', 'events', 'clients', 'adapters', 'adapter', 'init',
]
const MAX_NAMES_SHOWN = 12
const FROM_22_ON = /\b(?:Promise\.(?:withResolvers|try)|Array\.fromAsync) is not a function|require\(\) of ES Module/

/**
 * @typedef {object} PluginModule
 * @property {object} plugin the plugin object
 * @property {object} core the module `@elizaos/core`, the same that the plugin imports
 * @property {string} coreVersion
 * @property {PackageCode} code the package's code as text
 * @property {(name: string) => Promise<object>} importFromRoot
 */

/**
 * Import an npm package that lies in *root*'s node_modules. Raises an Error that names what is wrong: the import's own
 * one, no plugin object, no core.
 * @param {{root: string, name: string}} where
 * @returns {Promise<PluginModule>}
 */
export async function importPlugin({ root, name }) {
  if (constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER === undefined) {
    throw new ActionFailedError(`it needs Node.js ${OLDEST_NODE} or newer, and this is ${process.version}`)
  }
  const folder = join(root, 'node_modules', name)
  const manifest = manifestIn(folder)
  const module = await importWithPlace(importerFrom(root), name)
  const plugin = findPlugin(module, name)
  if (plugin === null) throw new ActionFailedError(`${name} exports no plugin object; ${exported(module)}`)
  const { core, coreVersion } = await importCore(realpathSync(folder))
  return { plugin, core, coreVersion, code: new PackageCode(folder, manifest), importFromRoot: importerFrom(root) }
}

/**
 * Return `import()` as a module in *folder* has it: Node's own resolution, without a file of ours in there.
 * @returns {(name: string) => Promise<object>}
 */
export function importerFrom(folder) {
  const script = new Script('(name) => import(name)', {
    filename: join(folder, 'package.json'),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const importer = script.runInThisContext()
  return (name) => withoutWarnings(() => importer(name))
}

/** The option above is marked as experimental, which Node would say on standard error as an import begins. */
function withoutWarnings(begin) {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return begin()
  } finally {
    process.emitWarning = emitWarning
  }
}

async function importWithPlace(importer, name) {
  try {
    return await importer(name)
  } catch (error) {
    const reason = `${describeError(error)}${placeOf(error)}`
    const isNewer = FROM_22_ON.test(reason) && Number.parseInt(process.versions.node, 10) < 22
    throw new ActionFailedError(reason + (isNewer ? ` (Node.js has that from 22 on, and this is ${process.version})` : ''))
  }
}

async function importCore(folder) {
  let above = folder
  while (!existsSync(join(above, 'node_modules', CORE, 'package.json')) && dirname(above) !== above) above = dirname(above)
  try {
    const { version } = manifestIn(join(above, 'node_modules', CORE))
    return { core: await importerFrom(folder)(CORE), coreVersion: version }
  } catch (error) {
    throw new ActionFailedError(`${CORE}, which it runs on, cannot be imported: ${describeError(error)}${placeOf(error)}`)
  }
}

function manifestIn(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

// ------------------------------------------------------------------------------------------------ the plugin object

/**
 * Return the plugin object that a module exports, in whichever way, or null: `timePlugin`, `default`, what CommonJS
 * makes of either, any export that looks like one, or a function that makes one.
 */
export function findPlugin(module, name) {
  const exports = Object.entries(module)
  const candidates = [
    module[camelName(name)],
    module.default,
    module.default?.default,
    module.default?.plugin,
    ...exports.filter(([key]) => /plugin/i.test(key)).map(([, value]) => value),
    ...exports.map(([, value]) => value),
  ]
  const plugins = candidates.filter(isPlugin)
  return plugins.find(offersSomething) ?? plugins[0] ?? madePlugin(exports)
}

/** Whether a plugin has more than `init`, and actions without a handler: some export a form for other frameworks besides. */
function offersSomething(plugin) {
  const { actions, ...others } = plugin
  const handlers = valuesOf(actions).filter((action) => typeof action?.handler === 'function')
  return handlers.length > 0 || PARTS.some((part) => part !== 'init' && valuesOf(others[part]).length > 0)
}

function valuesOf(part) {
  return part !== null && typeof part === 'object' ? Object.values(part) : []
}

/** Whether *value* looks like a plugin: named, and with a part that only plugins have. */
function isPlugin(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || typeof value.name !== 'string') return false
  return PARTS.some((part) => value[part] !== undefined && value[part] !== null)
}

/** Return what an exported function that wants nothing and is named for it makes. */
function madePlugin(exports) {
  for (const [key, value] of exports) {
    if (typeof value !== 'function' || value.length > 0 || !/plugin/i.test(key === 'default' ? value.name : key)) continue
    try {
      const made = value()
      if (isPlugin(made)) return made
    } catch { /* a class, or not what its name says: the next one */ }
  }
  return null
}

/** Return `timePlugin` for `@elizaos/plugin-time`. */
function camelName(name) {
  const words = name.split('/').pop().replace(/^plugin-/, '')
  return `${words.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase())}Plugin`
}

function exported(module) {
  const names = Object.keys(module)
  if (names.length === 0) return 'it exports nothing'
  return `it exports ${names.slice(0, MAX_NAMES_SHOWN).join(', ')}${names.length > MAX_NAMES_SHOWN ? ', …' : ''}`
}
