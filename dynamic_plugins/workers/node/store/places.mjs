/** Worlds, the rooms in them, and who takes part in a room. */

import { having, Table } from './table.mjs'

/**
 * Return the database methods for worlds, rooms and participants.
 * @param {import('./journal.mjs').Journal} journal
 * @param {{forgetRooms: (roomIds: string[]) => void, getEntitiesByIds: (ids: string[]) => Promise<object[]>}} others
 *   the methods for memories and entities, which a room reaches into
 */
export function placeMethods(journal, others) {
  const participants = new Table('participant', journal)
  return {
    ...worldMethods(journal),
    ...roomMethods(journal, participants, others),
    ...participantMethods(participants, others),
  }
}

function worldMethods(journal) {
  const worlds = new Table('world', journal)
  return {
    createWorld: async (world) => worlds.put(world),
    getWorld: async (id) => worlds.get(id),
    getAllWorlds: async () => worlds.where(),
    getWorlds: async () => worlds.where(),
    updateWorld: async (world) => { worlds.merge(world.id, world) },
    removeWorld: async (id) => { worlds.remove(id) },
  }
}

function roomMethods(journal, participants, { forgetRooms }) {
  const rooms = new Table('room', journal)
  const remove = async (ids) => {
    for (const id of ids) rooms.remove(id)
    participants.removeWhere(({ roomId }) => ids.includes(roomId))
    forgetRooms(ids)
  }

  return {
    getRoom: async (id) => rooms.get(id),
    getRoomsByIds: async (ids) => rooms.pick(ids),
    getRooms: async (worldId) => rooms.where(having({ worldId })),
    getRoomsByWorld: async (worldId) => rooms.where(having({ worldId })),
    createRoom: async (room) => rooms.put(room),
    createRooms: async (several) => several.map((room) => rooms.put(room)),
    updateRoom: async (room) => { rooms.merge(room.id, room) },
    deleteRoom: async (id) => remove([id]),
    deleteRoomsByWorldId: async (worldId) => remove(rooms.where(having({ worldId })).map(({ id }) => id)),
  }
}

function participantMethods(participants, { getEntitiesByIds }) {
  const idOf = (roomId, entityId) => `${roomId}/${entityId}`
  const inRoom = (roomId) => participants.where(having({ roomId })).map(({ entityId }) => entityId)
  const roomsOf = (entityId) => participants.where(having({ entityId })).map(({ roomId }) => roomId)
  const add = async (entityIds, roomId) => {
    for (const entityId of entityIds) participants.merge(idOf(roomId, entityId), { roomId, entityId })
    return true
  }

  return {
    addParticipant: async (entityId, roomId) => add([entityId], roomId),
    addParticipantsRoom: add,
    removeParticipant: async (entityId, roomId) => participants.remove(idOf(roomId, entityId)),
    getParticipantsForRoom: async (roomId) => inRoom(roomId),
    getEntitiesForRoom: async (roomId) => getEntitiesByIds(inRoom(roomId)),
    isRoomParticipant: async (roomId, entityId) => participants.has(idOf(roomId, entityId)),
    getRoomsForParticipant: async (entityId) => roomsOf(entityId),
    getRoomsForParticipants: async (entityIds) => [...new Set(entityIds.flatMap(roomsOf))],
    getParticipantsForEntity: async (id) => {
      const [entity] = await getEntitiesByIds([id])
      return roomsOf(id).map((roomId) => ({ id, entity: entity ?? { id }, roomId }))
    },
    getParticipantUserState: async (roomId, entityId) => participants.get(idOf(roomId, entityId))?.state ?? null,
    setParticipantUserState: async (roomId, entityId, state) => {
      participants.merge(idOf(roomId, entityId), { roomId, entityId, state })
    },
  }
}
