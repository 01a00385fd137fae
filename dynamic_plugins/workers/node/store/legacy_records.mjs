/** What only 0.x keeps: accounts, goals, knowledge; rooms that are ids; relationships between two users. */

import { randomUUID } from 'node:crypto'
import { having, Table } from './table.mjs'
import { similarity, wordEmbedding } from './word_embedding.mjs'

/**
 * Return the database methods that differ in 0.x.
 * @param {import('./journal.mjs').Journal} journal
 * @param {Record<string, Function>} modern the methods of later versions, where these lean on them
 */
export function legacyMethods(journal, modern) {
  return {
    ...accountMethods(journal, modern),
    ...goalMethods(journal),
    ...knowledgeMethods(journal),
    ...legacyRooms(modern),
    ...usersRelated(journal),
  }
}

const NO_DETAILS = { tagline: '', summary: '', quote: '' }

function accountMethods(journal, { getParticipantsForRoom, getRoomsForParticipant }) {
  const accounts = new Table('account', journal)
  const actorOf = ({ id, name, username = '', details = NO_DETAILS }) => ({ id, name, username, details })
  return {
    getAccountById: async (id) => accounts.get(id),
    createAccount: async (account) => Boolean(accounts.put(account)),
    getActorDetails: async ({ roomId }) => accounts.pick(await getParticipantsForRoom(roomId)).map(actorOf),
    getParticipantsForAccount: async (id) => {
      const account = accounts.get(id)
      return (await getRoomsForParticipant(id)).map((roomId) => ({ id, userId: id, account, roomId }))
    },
    // The core asks here before it makes an embedding: with one at hand it downloads no model.
    getCachedEmbeddings: async ({ query_input: text }) => [{ embedding: wordEmbedding(text), levenshtein_score: 0 }],
  }
}

function goalMethods(journal) {
  const goals = new Table('goal', journal)
  return {
    getGoals: async ({ roomId, userId, onlyInProgress, count }) => {
      const fits = having({ roomId, userId, status: onlyInProgress ? 'IN_PROGRESS' : undefined })
      return goals.where(fits).slice(0, count)
    },
    createGoal: async (goal) => { goals.put(goal) },
    updateGoal: async (goal) => { goals.merge(goal.id, goal) },
    updateGoalStatus: async ({ goalId, status }) => { goals.merge(goalId, { status }) },
    removeGoal: async (id) => { goals.remove(id) },
    removeAllGoals: async (roomId) => { goals.removeWhere(having({ roomId })) },
  }
}

function knowledgeMethods(journal) {
  const knowledge = new Table('knowledge', journal)
  const isOf = (agentId, item) => item.content?.metadata?.isShared || item.agentId === agentId
  return {
    createKnowledge: async (item) => { knowledge.put(item) },
    getKnowledge: async ({ id, agentId, limit }) =>
      knowledge.where((item) => isOf(agentId, item) && (id === undefined || item.id === id)).slice(0, limit),
    searchKnowledge: async ({ agentId, embedding, match_threshold: threshold = 0, match_count: count }) =>
      knowledge
        .where((item) => isOf(agentId, item) && item.embedding)
        .map((item) => ({ ...item, similarity: similarity(embedding, item.embedding) }))
        .filter((item) => item.similarity >= threshold)
        .sort((one, other) => other.similarity - one.similarity)
        .slice(0, count),
    // "ID-chunk-*" is all parts of one document.
    removeKnowledge: async (id) => {
      if (!id.endsWith('*')) knowledge.remove(id)
      else knowledge.removeWhere((item) => item.id.startsWith(id.slice(0, -1)))
    },
    clearKnowledge: async (agentId, shared) => {
      knowledge.removeWhere((item) => item.agentId === agentId || (shared && item.content?.metadata?.isShared))
    },
  }
}

function legacyRooms({ createRoom, deleteRoom, getRoom }) {
  return {
    getRoom: async (id) => ((await getRoom(id)) === null ? null : id),
    createRoom: async (id = randomUUID()) => createRoom({ id }),
    removeRoom: deleteRoom,
  }
}

function usersRelated(journal) {
  const relationships = new Table('users', journal)
  const isBetween = (one, other) => ({ userA, userB }) =>
    (userA === one && userB === other) || (userA === other && userB === one)
  return {
    createRelationship: async ({ userA, userB }) => {
      if (relationships.first(isBetween(userA, userB)) !== null) return true
      return Boolean(relationships.put({ userA, userB, userId: userA, status: 'FRIENDS', createdAt: new Date().toISOString() }))
    },
    getRelationship: async ({ userA, userB }) => relationships.first(isBetween(userA, userB)),
    getRelationships: async ({ userId }) => relationships.where(({ userA, userB }) => [userA, userB].includes(userId)),
  }
}
