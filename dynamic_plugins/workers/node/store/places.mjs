/** Worlds, the rooms in them, and who takes part in a room. */

import { having, Table } from './table.mjs'

/**
 * Return the database methods for worlds, rooms and participants.
 * @param {{forgetRooms: (roomIds: string[]) => void, getEntitiesByIds: (ids: string[]) => Promise<object[]>}} others
 *   the methods for memories and entities, which a room reaches into
 */
export function placeMethods(others) {
  const participants = new Map()
  return { ...worldMethods(), ...roomMethods(participants, others), ...participantMethods(participants, others) }
}

function worldMethods() {
  const worlds = new Table()
  return {
    createWorld: async (world) => worlds.put(world),
    getWorld: async (id) => worlds.get(id),
    getAllWorlds: async () => worlds.where(),
    getWorlds: async () => worlds.where(),
    updateWorld: async (world) => { worlds.merge(world.id, world) },
    removeWorld: async (id) => { worlds.remove(id) },
  }
}

function roomMethods(participants, { forgetRooms }) {
  const rooms = new Table()
  const remove = async (ids) => {
    for (const id of ids) {
      rooms.remove(id)
      participants.delete(id)
    }
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
  const states = new Map()
  const stateKey = (roomId, entityId) => `${roomId} ${entityId}`
  const inRoom = (roomId) => [...(participants.get(roomId) ?? [])]
  const roomsOf = (entityId) => [...participants.keys()].filter((roomId) => participants.get(roomId).has(entityId))
  const add = async (entityIds, roomId) => {
    participants.set(roomId, new Set([...inRoom(roomId), ...entityIds]))
    return true
  }

  return {
    addParticipant: async (entityId, roomId) => add([entityId], roomId),
    addParticipantsRoom: add,
    removeParticipant: async (entityId, roomId) => participants.get(roomId)?.delete(entityId) ?? false,
    getParticipantsForRoom: async (roomId) => inRoom(roomId),
    getEntitiesForRoom: async (roomId) => getEntitiesByIds(inRoom(roomId)),
    isRoomParticipant: async (roomId, entityId) => participants.get(roomId)?.has(entityId) ?? false,
    getRoomsForParticipant: async (entityId) => roomsOf(entityId),
    getRoomsForParticipants: async (entityIds) => [...new Set(entityIds.flatMap(roomsOf))],
    getParticipantsForEntity: async (id) => {
      const [entity] = await getEntitiesByIds([id])
      return roomsOf(id).map((roomId) => ({ id, entity: entity ?? { id }, roomId }))
    },
    getParticipantUserState: async (roomId, entityId) => states.get(stateKey(roomId, entityId)) ?? null,
    setParticipantUserState: async (roomId, entityId, state) => { states.set(stateKey(roomId, entityId), state) },
  }
}
