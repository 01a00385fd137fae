/**
 * The database methods of core 2.x, which take and give lists where those of 1.x take and give one record. They lean on
 * the others; what is here follows the names and forms of 2.x' `IDatabaseAdapter`.
 */

import { randomUUID } from 'node:crypto'
import { patched } from './component_patch.mjs'
import { having, Table } from './table.mjs'

/**
 * Return the database methods of 2.x.
 * @param {import('./journal.mjs').Journal} journal
 * @param {Record<string, Function>} one the methods of 1.x
 */
export function batchMethods(journal, one) {
  return {
    ...batchAgents(one),
    ...batchEntities(one),
    ...batchComponents(one),
    ...batchMemories(one),
    ...batchPlaces(one),
    ...batchParticipants(one),
    ...batchRelationships(one),
    ...batchWork(one),
    ...pairingMethods(journal),
  }
}

/** Do *work* for each of *list*, one after the other, and return what it gave. */
async function each(list, work) {
  const given = []
  for (const item of list) given.push(await work(item))
  return given
}

/** Return a method that creates records and gives their ids. */
const creator = (create) => async (records) => {
  const made = records.map((record) => ({ ...record, id: record.id ?? randomUUID() }))
  await each(made, create)
  return made.map(({ id }) => id)
}

const nothing = (method) => async (list) => { await each(list, method) }
const truth = (method) => async (list) => (await each(list, method)).every(Boolean)
const present = (records) => records.filter((record) => record !== null && record !== undefined)
const pageOf = (records, { limit, offset = 0 }) => records.slice(offset, limit === undefined ? undefined : offset + limit)

function batchAgents({ createAgent, deleteAgent, getAgent, updateAgent }) {
  return {
    createAgents: creator(createAgent),
    upsertAgents: nothing((agent) => updateAgent(agent.id, agent)),
    updateAgents: truth(({ agentId, agent }) => updateAgent(agentId, agent)),
    deleteAgents: truth(deleteAgent),
    getAgentsByIds: async (ids) => present(await each(ids, getAgent)),
    cleanupAgents: async () => {},
  }
}

function batchEntities({ allEntities, createEntity, deleteEntity, getEntitiesByIds, getEntitiesForRoom, updateEntity }) {
  const isOf = (agentId) => (entity) => !agentId || !entity.agentId || entity.agentId === agentId
  return {
    createEntities: creator(createEntity),
    upsertEntities: nothing(updateEntity),
    updateEntities: nothing(updateEntity),
    deleteEntities: nothing(deleteEntity),
    getEntitiesForRooms: async (roomIds) =>
      each(roomIds, async (roomId) => ({ roomId, entities: await getEntitiesForRoom(roomId) })),
    getEntitiesByNames: async ({ names: sought, agentId }) =>
      (await allEntities()).filter(isOf(agentId)).filter(({ names = [] }) => names.some((name) => sought.includes(name))),
    queryEntities: async ({ entityIds, agentId, componentType: type, componentDataFilter: data = {}, ...page }) => {
      const among = entityIds ? await getEntitiesByIds(entityIds) : await allEntities()
      const fits = (component) => (!type || component.type === type) && holds(component.data, data)
      const isSought = ({ components }) => (!type && Object.keys(data).length === 0) || components.some(fits)
      return pageOf(among.filter(isOf(agentId)).filter(isSought), page)
    },
  }
}

function batchComponents({ componentById, createComponent, deleteComponent, getComponent, getComponents, updateComponent }) {
  const byKey = ({ entityId, type, worldId, sourceEntityId }) => getComponent(entityId, type, worldId, sourceEntityId)
  return {
    createComponents: creator(createComponent),
    updateComponents: nothing(updateComponent),
    upsertComponents: nothing(async (component) => {
      const there = await byKey(component)
      await (there ? updateComponent({ ...component, id: there.id }) : createComponent(component))
    }),
    patchComponents: nothing(async ({ componentId, ops }) => {
      const component = await componentById(componentId)
      if (component === null) throw new Error(`there is no component ${componentId}`)
      await updateComponent({ id: componentId, data: patched(component.data, ops) })
    }),
    deleteComponents: nothing(deleteComponent),
    getComponentsByIds: async (ids) => present(await each(ids, componentById)),
    getComponentsByNaturalKeys: async (keys) => each(keys, byKey),
    getComponentsForEntities: async (ids, worldId, sourceEntityId) =>
      (await each(ids, (id) => getComponents(id, worldId, sourceEntityId))).flat(),
  }
}

function batchMemories(one) {
  const { getMemories, getMemoriesByRoomIds } = one
  return {
    createMemories: async (given) => each(given, ({ memory, tableName }) => one.createMemory(memory, tableName)),
    upsertMemories: nothing(({ memory, tableName }) => one.upsertMemory(memory, tableName)),
    updateMemories: nothing(one.updateMemory),
    deleteMemories: nothing(one.deleteMemory),
    getMemories: async ({ metadata, orderDirection, limit, count = limit, offset = 0, ...params }) => {
      const found = (await getMemories(params)).filter((memory) => holds(memory.metadata, metadata ?? {}))
      return pageOf(orderDirection === 'asc' ? found.reverse() : found, { limit: count, offset })
    },
    getMemoriesByWorldId: async ({ worldIds, limit, count = limit, tableName }) =>
      pageOf((await each(worldIds ?? [undefined], (worldId) => getMemories({ worldId, tableName }))).flat(), { limit: count }),
    countMemories: async ({ roomIds, metadata, ...params }) => {
      const found = roomIds?.length ? await getMemoriesByRoomIds({ roomIds, ...params }) : await getMemories(params)
      return found.filter((memory) => holds(memory.metadata, metadata ?? {})).length
    },
    deleteAllMemories: async (roomIds, tableName) => {
      await each([roomIds].flat(), (roomId) => one.deleteAllMemories(roomId, tableName))
    },
  }
}

function batchPlaces(one) {
  return {
    createWorlds: creator(one.createWorld),
    upsertWorlds: nothing(one.updateWorld),
    updateWorlds: nothing(one.updateWorld),
    deleteWorlds: nothing(one.removeWorld),
    getWorldsByIds: async (ids) => present(await each(ids, one.getWorld)),
    createRooms: creator(one.createRoom),
    upsertRooms: nothing(one.updateRoom),
    updateRooms: nothing(one.updateRoom),
    deleteRooms: nothing(one.deleteRoom),
    deleteRoomsByWorldIds: nothing(one.deleteRoomsByWorldId),
    getRoomsByWorlds: async (worldIds, limit, offset) =>
      pageOf((await each(worldIds, one.getRoomsByWorld)).flat(), { limit, offset }),
  }
}

function batchParticipants(one) {
  const setState = ({ roomId, entityId, state }) => one.setParticipantUserState(roomId, entityId, state)
  return {
    createRoomParticipants: async (entityIds, roomId) => {
      await one.addParticipantsRoom(entityIds, roomId)
      return entityIds.map((entityId) => `${roomId}:${entityId}`)
    },
    deleteParticipants: truth(({ entityId, roomId }) => one.removeParticipant(entityId, roomId)),
    updateParticipants: nothing(async ({ roomId, entityId, updates }) => {
      if (updates.roomState !== undefined) await setState({ roomId, entityId, state: updates.roomState })
    }),
    getParticipantsForEntities: async (ids) => (await each(ids, one.getParticipantsForEntity)).flat(),
    getParticipantsForRooms: async (roomIds) =>
      each(roomIds, async (roomId) => ({ roomId, entityIds: await one.getParticipantsForRoom(roomId) })),
    areRoomParticipants: async (pairs) => each(pairs, ({ roomId, entityId }) => one.isRoomParticipant(roomId, entityId)),
    getParticipantUserStates: async (pairs) =>
      each(pairs, ({ roomId, entityId }) => one.getParticipantUserState(roomId, entityId)),
    updateParticipantUserStates: nothing(setState),
  }
}

function batchRelationships(one) {
  return {
    createRelationships: creator(one.createRelationship),
    updateRelationships: nothing(one.updateRelationship),
    deleteRelationships: nothing(one.deleteRelationship),
    getRelationshipsByIds: async (ids) => present(await each(ids, one.relationshipById)),
    getRelationshipsByPairs: async (pairs) => each(pairs, one.getRelationship),
    getRelationships: async ({ entityIds, entityId, tags, ...page }) => {
      const found = (await each(entityIds ?? [entityId], (id) => one.getRelationships({ entityId: id, tags }))).flat()
      // One between two of the entities would be there twice.
      return pageOf([...new Map(found.map((relationship) => [relationship.id, relationship])).values()], page)
    },
  }
}

function batchWork(one) {
  return {
    createTasks: creator(one.createTask),
    updateTasks: nothing(({ id, task }) => one.updateTask(id, task)),
    deleteTasks: nothing(one.deleteTask),
    getTasksByIds: async (ids) => present(await each(ids, one.getTask)),
    getTasks: async (params = {}) => pageOf(await one.getTasks(params), params),
    createLogs: nothing(one.log),
    deleteLogs: nothing(one.deleteLog),
    updateLogs: async () => {},
    getLogsByIds: async (ids) => (await one.getLogs()).filter(({ id }) => ids.includes(id)),
    getLogs: async ({ limit, count = limit, ...params } = {}) => one.getLogs({ ...params, count }),
    getCaches: async (keys) => {
      const found = await each(keys, async (key) => [key, await one.getCache(key)])
      return new Map(found.filter(([, value]) => value !== undefined))
    },
    setCaches: truth(({ key, value }) => one.setCache(key, value)),
    deleteCaches: truth(one.deleteCache),
  }
}

/** Who may write to an agent on a channel. */
function pairingMethods(journal) {
  const requests = new Table('pairing', journal)
  const entries = new Table('pairing allowed', journal)
  const found = (table, name) => async (queries) =>
    queries.map(({ channel, agentId }) => ({ channel, agentId, [name]: table.where(having({ channel, agentId })) }))
  const changed = (table) => nothing(async (record) => table.merge(record.id, record))
  return {
    getPairingRequests: found(requests, 'requests'),
    createPairingRequests: async (given) => given.map((request) => requests.put(request)),
    updatePairingRequests: changed(requests),
    deletePairingRequests: nothing(async (id) => requests.remove(id)),
    getPairingAllowlists: found(entries, 'entries'),
    createPairingAllowlistEntries: async (given) => given.map((entry) => entries.put(entry)),
    updatePairingAllowlistEntries: changed(entries),
    deletePairingAllowlistEntries: nothing(async (id) => entries.remove(id)),
  }
}

/** Whether *record* has all that *wanted* has, each value the same as JSON. */
function holds(record, wanted) {
  return Object.entries(wanted).every(([name, value]) => JSON.stringify(record?.[name]) === JSON.stringify(value))
}
