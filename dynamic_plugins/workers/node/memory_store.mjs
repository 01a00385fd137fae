/**
 * The database of a plugin that brings no tables of its own: everything in memory, and in a file for the next worker.
 *
 * Core 1.x has no such adapter and refuses to start without a database. The methods are those that the cores from
 * 0.25.9 to 1.7.2 call; what a plugin calls beyond them is answered as an empty database would.
 */

import { join } from 'node:path'
import { Journal } from './store/journal.mjs'
import { legacyMethods } from './store/legacy_records.mjs'
import { memoryMethods } from './store/memories.mjs'
import { peopleMethods } from './store/people.mjs'
import { placeMethods } from './store/places.mjs'
import { workMethods } from './store/work.mjs'

const FILE = 'elizaos-store.jsonl'

/**
 * Return a database adapter for `AgentRuntime`.
 * @param {object} [options]
 * @param {boolean} [options.isLegacy] for a core of 0.x, whose methods differ
 * @param {string} [options.dataFolder] where the file lies; without it, what is stored is gone with the worker
 * @param {(level: string, text: string) => void} [options.log]
 */
export function createMemoryStore({ isLegacy = false, dataFolder, log } = {}) {
  const journal = new Journal(dataFolder === undefined ? null : join(dataFolder, FILE), log)
  const memories = memoryMethods(journal)
  const people = peopleMethods(journal)
  const modern = {
    ...lifeMethods(),
    ...memories,
    ...people,
    ...placeMethods(journal, { ...memories, ...people }),
    ...workMethods(journal),
  }
  const store = isLegacy ? { ...modern, ...legacyMethods(journal, modern) } : modern
  return new Proxy(store, { get: (methods, name) => (isKnown(methods, name) ? methods[name] : unknownMethod(name)) })
}

function lifeMethods() {
  const db = absentTables()
  return {
    db,
    ready: true,
    init: async () => {},
    initialize: async () => {},
    isReady: async () => true,
    close: async () => {},
    getConnection: async () => db,
    runMigrations: async () => {},
    runPluginMigrations: async () => {},
    ensureEmbeddingDimension: async () => {},
    withEntityContext: async (entityId, work) => work(),
  }
}

/** `then` must be missing: whoever awaits the object would call it. */
const isKnown = (methods, name) => typeof name === 'symbol' || name === 'then' || name === 'toJSON' || name in methods

/** A method that the cores do not have: the work handed to it is done, and a question is answered as by an empty table. */
function unknownMethod(name) {
  return async (...args) => {
    const work = args.find((argument) => typeof argument === 'function')
    if (work !== undefined) return work()
    if (!/^(get|search|find|list|count)/.test(name)) return true
    if (name.startsWith('count')) return 0
    return /(s|All|By\w+)$/.test(name) ? [] : null
  }
}

/** Stands where a plugin looks for SQL tables. To use it fails with the reason; to look at it does not. */
function absentTables() {
  const refuse = (name) => () => {
    throw new Error(`there are no SQL tables here (db.${name}): the plugin declares no schema of its own`)
  }
  return new Proxy({}, {
    get: (target, name) => (isKnown(target, name) ? target[name] : refuse(name)),
  })
}
