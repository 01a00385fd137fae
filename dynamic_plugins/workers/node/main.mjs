/**
 * The start of a worker process that runs a TypeScript elizaOS plugin: `node main.mjs FACTS`.
 *
 * FACTS is a JSON object that the loader makes:
 *   plugin        its name
 *   package       the npm package that it is
 *   root          the folder whose node_modules has the package
 *   variables     names of the environment variables that are the plugin's configuration
 *   result_bytes  how long an answer may be
 *   in, out       the file descriptors of the protocol
 *
 * The protocol has descriptors of its own, and 0 and 1 are harmless before Node starts: a plugin may print. The working
 * folder is the plugin's own.
 */

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Channel } from './channel.mjs'
import { PluginComponents } from './components.mjs'
import { endEnvSearch } from './env_file.mjs'
import { HostModel } from './host_model.mjs'
import { ActionFailedError, describeError, placeOf } from './plain.mjs'
import { importPlugin } from './plugin_module.mjs'
import { asList, makeHost } from './runtime.mjs'
import { Server } from './server.mjs'

const MAX_ERRORS_LOGGED = 100
/** Plugins whose place the worker takes, as far as others need them. */
const PROVIDED = /^(?:@elizaos\/)?(?:plugin-)?(?:sql|bootstrap)$/

const facts = JSON.parse(process.argv[2])
const channel = new Channel({ input: facts.in, output: facts.out })
const model = new HostModel(channel)
const server = new Server(channel, facts)
server.onCapabilities = (capabilities) => { model.available = capabilities.sampling !== undefined }

let errorsLogged = 0
process.on('uncaughtException', survive)
process.on('unhandledRejection', survive)
process.on('exit', tellOfExit)
process.env.LOG_LEVEL ??= 'warn'
// Bundles that were CommonJS look for it there.
globalThis.require = createRequire(join(facts.root, 'package.json'))

channel.listen()
await server.load(() => unlessItExits(load))

async function load() {
  const dataFolder = process.cwd()
  endEnvSearch(dataFolder)
  const { plugin, core, coreVersion, code, importFromRoot } = await importPlugin({ root: facts.root, name: facts.package })
  const notes = notesOn(plugin)
  const notices = []
  const log = (level, text) => server.log(level, text)
  const { askHost } = model
  const host = await makeHost({
    core, coreVersion, plugin, settings: settings(), askHost, log, notes, notices, importFromRoot, dataFolder,
  })
  const components = new PluginComponents(plugin, code, host, { notes, notices, log, changed: () => server.toolsChanged() })
  await components.complete()
  return components.set
}

/** Return what is worth knowing where a call fails: a plugin may look for services of others. */
function notesOn(plugin) {
  const others = asList(plugin.dependencies).filter((name) => !PROVIDED.test(name))
  return others.length > 0 ? [`it is made to run beside ${others.join(', ')}, which is not in its process`] : []
}

/** Return what *work* gives; where the plugin ends the process meanwhile, that is an error, and the process goes on. */
async function unlessItExits(work) {
  const { exit } = process
  try {
    return await new Promise((resolve, reject) => {
      process.exit = (code = process.exitCode) => {
        const error = new ActionFailedError(exitText(code ?? 0))
        reject(error)
        throw error
      }
      work().then(resolve, reject)
    })
  } finally {
    process.exit = exit
  }
}

function settings() {
  const given = facts.variables.filter((name) => process.env[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, process.env[name]]))
}

/** An error in a plugin's timer, or a promise that it forgot, ends no call but its own. */
function survive(error) {
  if (++errorsLogged > MAX_ERRORS_LOGGED) return // a timer may raise every millisecond
  const text = `an error that it did not catch: ${describeError(error)}${placeOf(error)}`
  try {
    writeSync(2, `${text}\n`)
  } catch { /* nobody reads it */ }
  server.log('error', text)
}

/** A plugin that ends the process leaves nobody waiting. */
function tellOfExit(code) {
  server.failOpen(exitText(code))
}

function exitText(code) {
  return `it ended its own process with exit code ${code}`
}
