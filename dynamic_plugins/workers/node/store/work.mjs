/** Tasks, the log of the runtime, and the cache. */

import { having, Table } from './table.mjs'

// The core logs every call of a model with its whole prompt.
const LOGS_KEPT = 500

/**
 * Return the database methods for tasks, logs and the cache.
 * @param {import('./journal.mjs').Journal} journal
 */
export function workMethods(journal) {
  return { ...taskMethods(journal), ...logMethods(), ...cacheMethods(journal) }
}

function taskMethods(journal) {
  const tasks = new Table('task', journal)
  return {
    createTask: async (task) => tasks.put({ createdAt: Date.now(), updatedAt: Date.now(), ...task }),
    getTask: async (id) => tasks.get(id),
    getTasks: async ({ roomId, entityId, tags = [] } = {}) => {
      const fits = having({ roomId, entityId })
      return tasks.where((task) => fits(task) && tags.every((tag) => task.tags?.includes(tag)))
    },
    getTasksByName: async (name) => tasks.where(having({ name })),
    updateTask: async (id, changes) => { tasks.merge(id, { ...changes, updatedAt: Date.now() }) },
    deleteTask: async (id) => { tasks.remove(id) },
  }
}

/** What the runtime logs is of use to nobody after the worker: it is in no file. */
function logMethods() {
  const logs = new Table()
  return {
    log: async (entry) => {
      logs.put({ createdAt: new Date(), ...entry })
      logs.keepNewest(LOGS_KEPT)
    },
    getLogs: async ({ entityId, roomId, type, count, offset = 0 } = {}) => {
      const found = logs.where(having({ entityId, roomId, type })).reverse()
      return found.slice(offset, count === undefined ? undefined : offset + count)
    },
    deleteLog: async (id) => { logs.remove(id) },
    getAgentRunSummaries: async () => ({ runs: [], total: 0, hasMore: false }),
  }
}

/** The key is a text; in 0.x it is an object that has the text, and the value. */
function cacheMethods(journal) {
  const cache = new Table('cache', journal)
  const isLegacyKey = (key) => key !== null && typeof key === 'object'
  const idOf = (key) => (isLegacyKey(key) ? key.key : key)
  return {
    getCache: async (key) => cache.get(idOf(key))?.value,
    setCache: async (key, value) => Boolean(cache.put({ id: idOf(key), value: isLegacyKey(key) ? key.value : value })),
    deleteCache: async (key) => cache.remove(idOf(key)),
  }
}
