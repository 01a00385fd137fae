/**
 * The database of a plugin that brings no tables of its own: everything in memory, and in a file for the next worker.
 *
 * Core 1.x has no such adapter and refuses to start without a database; that of 2.x keeps no components, no relationships
 * and nothing beyond the process. The methods are those that the cores from 0.25.9 to 2.0 call; what a plugin calls beyond
 * them is answered as an empty database would.
 */

import { join } from 'node:path'
import { Journal } from './store/journal.mjs'
import { batchMethods } from './store/batch_methods.mjs'
import { legacyMethods } from './store/legacy_records.mjs'
import { memoryMethods } from './store/memories.mjs'
import { peopleMethods } from './store/people.mjs'
import { placeMethods } from './store/places.mjs'
import { workMethods } from './store/work.mjs'

const FILE = 'elizaos-store.jsonl'

/**
 * Return a database adapter for `AgentRuntime`.
 * @param {object} [options]
 * @param {'0.x' | '1.x' | '2.x'} [options.form] whose core's methods it has, where they differ
 * @param {string} [options.dataFolder] where the file lies; without it, what is stored is gone with the worker
 * @param {(level: string, text: string) => void} [options.log]
 */
export function createMemoryStore({ form = '1.x', dataFolder, log } = {}) {
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
  const differing = { '0.x': legacyMethods, '1.x': () => ({}), '2.x': batchMethods }[form]
  const methods = { ...modern, ...differing(journal, modern) }
  const store = new Proxy(methods, { get: (known, name) => (isKnown(known, name) ? known[name] : unknownMethod(name)) })
  methods.transaction = async (work) => work(store)
  return store
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
    withEntityContext: async (_entityId, work) => work(),
    withIsolationContext: async (_entityId, work) => work(db),
    // A core asks at once whether there are such, so a promise would be a yes.
    registerPluginSchema: undefined,
    getPluginStore: undefined,
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
