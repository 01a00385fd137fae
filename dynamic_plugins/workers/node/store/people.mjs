/** Agents, entities (persons and agents), what is known of them (components), and how they relate. */

import { having, Table } from './table.mjs'

/**
 * Return the database methods for agents, entities, components and relationships.
 * @param {import('./journal.mjs').Journal} journal
 */
export function peopleMethods(journal) {
  return { ...agentMethods(), ...entityMethods(journal), ...relationshipMethods(journal) }
}

/** An agent carries the plugin's whole configuration, keys and all: it is never written to a file. */
function agentMethods() {
  const agents = new Table()
  return {
    getAgent: async (id) => agents.get(id),
    getAgents: async () => agents.where(),
    createAgent: async (agent) => Boolean(agents.put(agent)),
    updateAgent: async (id, changes) => {
      agents.merge(id, changes)
      return true
    },
    deleteAgent: async (id) => agents.remove(id),
    countAgents: async () => agents.where().length,
  }
}

function entityMethods(journal) {
  const entities = new Table('entity', journal)
  const components = new Table('component', journal)
  const complete = (entity) => entity && { ...entity, components: components.where(having({ entityId: entity.id })) }
  const pick = async (ids) => entities.pick(ids).map(complete)

  return {
    // These two are not of elizaOS: the methods of 2.x lean on them.
    allEntities: async () => entities.where().map(complete),
    componentById: async (id) => components.get(id),
    getEntityById: async (id) => complete(entities.get(id)),
    // Until core 1.2 the name was without the first plural.
    getEntityByIds: pick,
    getEntitiesByIds: pick,
    createEntity: async (entity) => Boolean(entities.put(entity)),
    createEntities: async (several) => {
      several.forEach((entity) => entities.put(entity))
      return true
    },
    updateEntity: async (entity) => { entities.merge(entity.id, entity) },
    deleteEntity: async (id) => { entities.remove(id) },
    searchEntitiesByName: async ({ query, limit }) => {
      const sought = query.toLowerCase()
      return entities.where(({ names = [] }) => names.some((name) => name.toLowerCase().includes(sought))).slice(0, limit)
    },

    getComponent: async (entityId, type, worldId, sourceEntityId) =>
      components.first(having({ entityId, type, worldId, sourceEntityId })),
    getComponents: async (entityId, worldId, sourceEntityId) =>
      components.where(having({ entityId, worldId, sourceEntityId })),
    createComponent: async (component) => Boolean(components.put(component)),
    updateComponent: async (component) => { components.merge(component.id, component) },
    deleteComponent: async (id) => { components.remove(id) },
  }
}

function relationshipMethods(journal) {
  const relationships = new Table('relationship', journal)
  const isTagged = (tags, relationship) => (tags ?? []).every((tag) => relationship.tags?.includes(tag))

  return {
    // Between two there is one, each way: a second leaves it as it is.
    createRelationship: async ({ sourceEntityId, targetEntityId, ...more }) => {
      const pair = { sourceEntityId, targetEntityId }
      if (relationships.first(having(pair)) !== null) return true
      return Boolean(relationships.put({ tags: [], metadata: {}, createdAt: new Date().toISOString(), ...more, ...pair }))
    },
    deleteRelationship: async (id) => { relationships.remove(id) },
    // Not of elizaOS: the methods of 2.x lean on it.
    relationshipById: async (id) => relationships.get(id),
    updateRelationship: async (relationship) => { relationships.merge(relationship.id, relationship) },
    getRelationship: async ({ sourceEntityId, targetEntityId }) =>
      relationships.first(having({ sourceEntityId, targetEntityId })),
    getRelationships: async ({ entityId, tags }) =>
      relationships.where((relationship) =>
        [relationship.sourceEntityId, relationship.targetEntityId].includes(entityId) && isTagged(tags, relationship)),
  }
}
