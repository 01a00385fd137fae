/**
 * The database of a plugin that declares tables (a `schema`): PGlite, a Postgres in this process, through
 * `@elizaos/plugin-sql`. It lies in the plugin's own folder and outlives the worker.
 */

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { holdLock } from './folder_lock.mjs'
import { describeError } from './plain.mjs'

const PACKAGE = '@elizaos/plugin-sql'
const FOLDER = 'pglite'
// Lies beside the folder until its first start is through: a folder whose start was cut off cannot be opened, and holds nothing.
const UNFINISHED = 'pglite.unfinished'
const LOCK = 'pglite.lock'
// Written to see whether there is room, and removed: a new database takes 27 MB.
const ROOM = 'pglite.room'
const ROOM_BYTES = 32 * 2 ** 20
const SINGLETONS = Symbol.for('@elizaos/plugin-sql/global-singletons')

// Postgres's classes of errors in the data itself: internal and corrupted (XX), files that are missing (58). Newer versions
// of plugin-sql have codes of their own for what cannot be opened.
const DAMAGED_CODE = /^(XX|58|ELIZA_PGLITE_)/
const DAMAGED_TEXT = /\bAborted\(|could not (open|read) (file|block)|invalid page|unreachable|memory access out of bounds/

/**
 * Return an open database adapter that has the tables of plugin-sql and of the plugin: migrations are done, so the
 * runtime is to be initialized with `skipMigrations`. A damaged folder is moved aside and a new one begun, which is
 * reported in the log, in `notes` and in `notices`. Raises an Error where plugin-sql is missing or another process has the
 * database open, and what a failed migration raises.
 * @param {object} parts
 * @param {object} parts.plugin
 * @param {string} parts.agentId
 * @param {(name: string) => Promise<object>} parts.importFromRoot
 * @param {string} parts.dataFolder
 * @param {(level: string, text: string) => void} parts.log
 * @param {string[]} parts.notes
 * @param {string[]} parts.notices
 */
export async function openDatabase({ plugin, agentId, importFromRoot, dataFolder, log, notes, notices }) {
  const sql = await sqlPackage(importFromRoot)
  // PGlite looks after no lock of its own, and two of it in one folder destroy the data.
  if (!(await holdLock(join(dataFolder, LOCK)))) {
    throw new Error('another process of this plugin has its database open; stop the plugin there first')
  }
  const open = () => openFolder(sql, plugin, agentId, dataFolder)
  try {
    return await open()
  } catch (error) {
    if (!isDamage(error)) throw error
    checkRoom(dataFolder)
    const kept = moveAside(dataFolder)
    const reason = describeError(causesOf(error).at(-1))
    const report = `its database could not be opened (${reason}): it was moved to ${kept} and a new one begun`
    log('warning', report)
    notes.push(report)
    notices.push(report)
    return open()
  }
}

async function sqlPackage(importFromRoot) {
  let module
  try {
    module = await importFromRoot(PACKAGE)
  } catch (error) {
    throw new Error(`it keeps tables and ${PACKAGE} cannot be imported: ${describeError(error)}`, { cause: error })
  }
  const { createDatabaseAdapter, plugin = module.default } = module
  if (typeof createDatabaseAdapter !== 'function') throw new Error(`${PACKAGE} has no createDatabaseAdapter`)
  return { createDatabaseAdapter, schema: plugin?.schema }
}

async function openFolder({ createDatabaseAdapter, schema }, plugin, agentId, dataFolder) {
  const folder = join(dataFolder, FOLDER)
  const unfinished = join(dataFolder, UNFINISHED)
  if (existsSync(unfinished)) rmSync(folder, { recursive: true, force: true })
  if (!existsSync(folder)) writeFileSync(unfinished, '')
  const adapter = createDatabaseAdapter({ dataDir: folder }, agentId)
  try {
    await adapter.init()
    await adapter.runPluginMigrations([{ name: PACKAGE, schema }, { name: plugin.name, schema: plugin.schema }], QUIETLY)
  } catch (error) {
    await close(adapter)
    throw error
  }
  rmSync(unfinished, { force: true })
  keepSecretsOut(adapter)
  return adapter
}

/**
 * Have *adapter* write no configuration: the runtime stores its whole character, keys and all, where anybody could read
 * them, and would take them from there again after they have been removed.
 */
function keepSecretsOut(adapter) {
  for (const name of AGENT_WRITERS) {
    const write = adapter[name]
    if (typeof write === 'function') adapter[name] = (...given) => write.apply(adapter, given.map(withoutSettings))
  }
}

const AGENT_WRITERS = ['createAgent', 'updateAgent', 'createAgents', 'updateAgents', 'upsertAgents']

/** What is given is an agent, a list of agents, or of `{agentId, agent}`; or an id. */
function withoutSettings(given) {
  if (Array.isArray(given)) return given.map(withoutSettings)
  if (given === null || typeof given !== 'object') return given
  if (given.agent !== undefined) return { ...given, agent: withoutSettings(given.agent) }
  const { secrets, ...agent } = given
  return { ...agent, settings: {} }
}

// A change of a table that would lose data is refused, as in elizaOS.
const QUIETLY = { verbose: false, force: false, dryRun: false }

async function close(adapter) {
  // Versions of plugin-sql before 2.0 give out a closed connection again.
  delete globalThis[SINGLETONS]?.pgLiteClientManager
  try {
    await adapter.close()
  } catch {
    // What cannot be opened often cannot be closed.
  }
}

/** Whether the files are at fault: a migration that the plugin got wrong leaves them as they are. */
function isDamage(error) {
  return causesOf(error).some((cause) =>
    cause instanceof WebAssembly.RuntimeError
    || cause.name === 'ErrnoError'
    || (typeof cause.code === 'string' && DAMAGED_CODE.test(cause.code))
    || DAMAGED_TEXT.test(cause.message ?? ''))
}

/** Return an error and what caused it, the first cause last. */
function causesOf(error) {
  const found = []
  for (let cause = error; cause && !found.includes(cause); cause = cause.cause) found.push(cause)
  return found
}

/**
 * Raise an Error where there is no room for a database: PGlite aborts over a full disk as it does over damaged files, and
 * what is whole stays where it is.
 */
function checkRoom(dataFolder) {
  const file = join(dataFolder, ROOM)
  try {
    writeFileSync(file, Buffer.alloc(ROOM_BYTES))
  } catch (error) {
    throw new Error(`there is no room for its database: ${describeError(error)}. Make some and try again`, { cause: error })
  } finally {
    rmSync(file, { force: true })
  }
}

function moveAside(dataFolder) {
  const name = `${FOLDER}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`
  renameSync(join(dataFolder, FOLDER), join(dataFolder, name))
  return name
}
