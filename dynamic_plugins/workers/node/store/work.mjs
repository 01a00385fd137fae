/** Tasks, the log of the runtime, and the cache. */

import { copyOf, having, Table } from './table.mjs'

// The core logs every call of a model with its whole prompt.
const LOGS_KEPT = 500

/** Return the database methods for tasks, logs and the cache. */
export function workMethods() {
  return { ...taskMethods(), ...logMethods(), ...cacheMethods() }
}

function taskMethods() {
  const tasks = new Table()
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
function cacheMethods() {
  const cache = new Map()
  const nameOf = (key) => (key !== null && typeof key === 'object' ? key.key : key)
  return {
    getCache: async (key) => copyOfValue(cache.get(nameOf(key))),
    setCache: async (key, value) => {
      cache.set(nameOf(key), copyOfValue(key !== null && typeof key === 'object' ? key.value : value))
      return true
    },
    deleteCache: async (key) => cache.delete(nameOf(key)),
  }
}

const copyOfValue = (value) => (value !== null && typeof value === 'object' ? copyOf(value) : value)
