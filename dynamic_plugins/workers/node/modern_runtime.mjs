/** The host for `@elizaos/core` 1.x and 2.x: its own AgentRuntime, without a server, a database or a model of its own. */

import { randomUUID } from 'node:crypto'
import { LATE_START, START_MS, within } from './deadline.mjs'
import { modelHandlers } from './host_model.mjs'
import { passOverMigrated } from './migrations.mjs'
import { describeError } from './plain.mjs'
import { keepErrors } from './plugin_log.mjs'
import { watchRegistrations } from './registrations.mjs'
import { AGENT_ID, ENTITY_ID, once, ROOM_ID, WORLD_ID } from './runtime.mjs'
import { embeddingModel } from './store/word_embedding.mjs'

/** Below every model that the plugin itself brings. */
const HOST_PRIORITY = -100

/** What 2.x would start besides; 1.x does not know it. */
const BARE = {
  disableBasicCapabilities: true,
  advancedCapabilities: false,
  checkShouldRespond: false,
  enableAutonomy: false,
  enableKnowledge: false,
  enableRelationships: false,
  enableTrajectories: false,
}

/**
 * @param {import('./runtime.mjs').HostParts} parts
 * @returns {Promise<import('./runtime.mjs').Host>}
 */
export async function makeHost(parts) {
  return new ModernHost(parts)
}

class ModernHost {
  constructor(parts) {
    this._parts = parts
    this.isLegacy = false
    this.runtime = null
    this.registered = null
    this.start = once(() => this._start())
  }

  async _start() {
    const { core, plugin, settings, askHost } = this._parts
    const runtime = new core.AgentRuntime({
      ...BARE,
      character: characterWith(settings),
      agentId: AGENT_ID,
      adapter: await this._adapter(),
      settings: { ...settings },
      plugins: [],
      logLevel: 'warn',
    })
    for (const [type, handler] of Object.entries({ ...modelHandlers(askHost), TEXT_EMBEDDING: embeddingModel })) {
      runtime.registerModel(type, handler, 'host', HOST_PRIORITY)
    }
    keepErrors(core.logger, core.elizaLogger, runtime.logger)
    await runtime.initialize({ skipMigrations: true })
    this.runtime = runtime
    if (typeof plugin.init === 'function') {
      const newlyRegistered = watchRegistrations(runtime)
      const init = () => within(START_MS, plugin.init(configOf(plugin, settings), runtime), LATE_START)
      await this._noted('its init failed', init)
      this.registered = newlyRegistered()
    }
    await runtime.registerPlugin({ ...plugin, init: undefined, services: [], adapter: undefined })
    await this._noted('its room could not be made', () => runtime.ensureConnection(CONNECTION))
  }

  /** Return the database: PGlite for a plugin that keeps tables, memory for all others. */
  async _adapter() {
    const { core, plugin } = this._parts
    if (plugin.schema) {
      const { openDatabase } = await import('./database.mjs')
      const adapter = await openDatabase({ ...this._parts, agentId: AGENT_ID })
      passOverMigrated(adapter, plugin.schema)
      return adapter
    }
    const { createMemoryStore } = await import('./memory_store.mjs')
    const form = typeof core.InMemoryDatabaseAdapter?.prototype.createMemories === 'function' ? '2.x' : '1.x'
    return createMemoryStore({ ...this._parts, form })
  }

  /** Run what elizaOS goes on without; its error goes into the log and into the errors of calls. */
  async _noted(what, work) {
    try {
      await work()
    } catch (error) {
      const note = `${what}: ${describeError(error)}`
      this._parts.notes.push(note)
      this._parts.log('warning', note)
    }
  }

  async composeTurn(text, args, actionName) {
    const content = { source: 'direct', ...args, text, ...(actionName ? { actions: [actionName] } : {}) }
    const message = {
      id: randomUUID(), entityId: ENTITY_ID, userId: ENTITY_ID, agentId: AGENT_ID, roomId: ROOM_ID, worldId: WORLD_ID,
      createdAt: Date.now(), content, metadata: { type: 'message' },
    }
    // Handlers look for the conversation in the store; a provider is asked without anybody saying anything.
    if (text !== '') await this._logged('the message is not kept', () => this.runtime.createMemory(message, 'messages'))
    const state = await this._logged('composeState failed', () => this.runtime.composeState(message))
    return { message, state: state ?? { values: {}, data: {}, text: '' } }
  }

  async _logged(what, work) {
    try {
      return await work()
    } catch (error) {
      this._parts.log('debug', `${what}: ${describeError(error)}`)
      return undefined
    }
  }

  async startService(declared) {
    const { runtime } = this
    const { serviceType } = declared
    if (!serviceType) throw new Error('it has no serviceType')
    let failure
    // 2.x logs what start raises and goes on, so it is caught on its way.
    const watched = Object.create(declared, {
      start: {
        value: async (...given) => {
          try {
            return await declared.start(...given)
          } catch (error) {
            failure = error
            throw error
          }
        },
      },
    })
    try {
      await runtime.registerService(watched)
      const instance = runtime.getService(serviceType) ?? await runtime.getServiceLoadPromise?.(serviceType)
      if (!instance) throw new Error('its start gave nothing')
      return instance
    } catch (error) {
      this._forget(serviceType)
      throw failure ?? error
    }
  }

  async stopService(declared, instance) {
    this._forget(declared.serviceType)
    await instance?.stop?.(this.runtime)
  }

  _forget(serviceType) {
    for (const registry of ['services', 'serviceTypes']) this.runtime[registry]?.delete?.(serviceType)
  }

  taskWorkers() {
    const workers = this.runtime?.taskWorkers
    return workers instanceof Map ? workers : new Map()
  }
}

function characterWith(settings) {
  return {
    id: AGENT_ID, name: 'agent', username: 'agent', system: '', bio: ['An agent that uses plugins'],
    plugins: [], topics: [], adjectives: [], knowledge: [], messageExamples: [], postExamples: [],
    style: { all: [], chat: [], post: [] },
    settings: { ...settings, secrets: { ...settings } }, secrets: { ...settings },
  }
}

/** Return what `init` gets: the defaults that the plugin lists, and over them what is configured. */
function configOf(plugin, settings) {
  const defaults = Object.entries(plugin.config ?? {}).filter(([, value]) => value !== null && value !== undefined)
  return { ...Object.fromEntries(defaults.map(([name, value]) => [name, String(value)])), ...settings }
}

const CONNECTION = {
  entityId: ENTITY_ID, roomId: ROOM_ID, worldId: WORLD_ID, userName: 'user', name: 'user', source: 'direct', type: 'DM',
  channelId: ROOM_ID, serverId: WORLD_ID, messageServerId: WORLD_ID,
}
