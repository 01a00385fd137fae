/** Memories: messages, facts, documents and whatever else a plugin keeps under a table's name. */

import { having, Table } from './table.mjs'
import { similarity } from './word_embedding.mjs'

const MESSAGES = 'messages'
const DEFAULT_MATCHES = 10
// Each call adds the person's.
const MESSAGES_KEPT = 1000

/**
 * Return the database methods for memories. Of 0.x they carry a `userId`, later an `entityId`.
 * @param {import('./journal.mjs').Journal} journal
 */
export function memoryMethods(journal) {
  const memories = new Table('memory', journal)

  const find = ({ tableName = MESSAGES, roomId, entityId, userId, agentId, worldId, start, end }) => {
    const fits = having({ tableName, roomId, entityId, userId, worldId })
    return memories
      .where((memory) => fits(memory) && isOf(agentId, memory) && isBetween(start, end, memory))
      .reverse()
      .sort((one, other) => other.createdAt - one.createdAt)
  }
  const search = (params) => nearest(find(params), params)

  return {
    createMemory: async (memory, tableName = MESSAGES) => {
      const id = memories.put({ createdAt: Date.now(), ...memory, tableName })
      if (tableName === MESSAGES) memories.keepNewest(MESSAGES_KEPT, having({ tableName }))
      return id
    },
    // Not of elizaOS: the methods of 2.x lean on it.
    upsertMemory: async (memory, tableName) => memories.merge(memory.id, { createdAt: Date.now(), ...memory, tableName }),
    updateMemory: async (memory) => {
      if (!memories.has(memory.id)) return false
      memories.merge(memory.id, memory)
      return true
    },

    getMemories: async (params = {}) => pageOf(find(params).map(plainMemory), params),
    getMemoryById: async (id) => plainMemory(memories.get(id)),
    getMemoriesByIds: async (ids, tableName) => memories.pick(ids).filter(having({ tableName })).map(plainMemory),
    getMemoriesByRoomIds: async ({ roomIds, ...params }) => {
      const found = find(params).filter(({ roomId }) => roomIds.includes(roomId))
      return pageOf(found.map(plainMemory), params)
    },
    getMemoriesByWorldId: async (params) => pageOf(find(params).map(plainMemory), params),
    countMemories: async (roomId, unique, tableName) => find({ roomId, tableName }).length,

    searchMemories: async (params) => search(params),
    searchMemoriesByEmbedding: async (embedding, params) => search({ ...params, embedding }),
    getCachedEmbeddings: async (sought) => embeddingsOf(memories, sought),

    ...removers(memories),
  }
}

function removers(memories) {
  const remove = async (id) => { memories.remove(id) }
  const removeAll = async (roomId, tableName) => { memories.removeWhere(having({ roomId, tableName })) }
  return {
    deleteMemory: remove,
    removeMemory: remove,
    deleteManyMemories: async (ids) => { ids.forEach((id) => memories.remove(id)) },
    deleteAllMemories: removeAll,
    removeAllMemories: removeAll,
    /** Not of elizaOS: called where a room goes, and its memories with it. */
    forgetRooms: (roomIds) => memories.removeWhere(({ roomId }) => roomIds.includes(roomId)),
  }
}

/** A memory is of an agent unless it says that it is another's. */
const isOf = (agentId, memory) => !agentId || !memory.agentId || memory.agentId === agentId

const isBetween = (start, end, { createdAt }) => (!start || createdAt >= start) && (!end || createdAt <= end)

/** The table's name is how we keep them, and no field of a memory. */
function plainMemory(memory) {
  if (memory === null) return null
  const { tableName, ...rest } = memory
  return rest
}

function pageOf(records, { count, limit, offset = 0 }) {
  const length = count ?? limit
  return records.slice(offset, length === undefined ? undefined : offset + length)
}

/** Return the embeddings of memories that have exactly the sought text. */
function embeddingsOf(memories, { query_table_name: tableName, query_input: text, ...field }) {
  const { query_field_name: name, query_field_sub_name: part } = field
  return memories
    .where((memory) => memory.tableName === tableName && memory.embedding && memory[name]?.[part] === text)
    .map(({ embedding }) => ({ embedding, levenshtein_score: 0 }))
}

function nearest(memories, { embedding, match_threshold: threshold = 0, count, limit = count, match_count: matches }) {
  return memories
    .map((memory) => ({ ...plainMemory(memory), similarity: similarity(embedding, memory.embedding) }))
    .filter((memory) => memory.embedding?.length && memory.similarity >= threshold)
    .sort((one, other) => other.similarity - one.similarity)
    .slice(0, limit ?? matches ?? DEFAULT_MATCHES)
}
