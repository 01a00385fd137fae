/** The host for plugins of elizaOS 0.x, with core 0.25.9. */

import { randomUUID } from 'node:crypto'
import { LATE_START, START_MS, within } from './deadline.mjs'
import { LegacyModel, MODEL_ADDRESS } from './legacy_model.mjs'
import { composeState } from './legacy_state.mjs'
import { createMemoryStore } from './memory_store.mjs'
import { describeError } from './plain.mjs'
import { keepErrors } from './plugin_log.mjs'
import { watchRegistrations } from './registrations.mjs'
import { AGENT_ID, asList, ENTITY_ID, once, ROOM_ID } from './runtime.mjs'

/**
 * Return the host for a plugin of 0.x.
 * @param {import('./runtime.mjs').HostParts} parts
 * @returns {Promise<import('./runtime.mjs').Host>}
 */
export async function makeHost(parts) {
  return new LegacyHost(parts)
}

class LegacyHost {
  constructor(parts) {
    this._parts = parts
    this.runtime = null
    this.registered = null
    this.isLegacy = true
    this.start = once(() => this._start())
  }

  async _start() {
    const { core, plugin, settings, askHost, notes } = this._parts
    const model = new LegacyModel(askHost)
    quieten(core.elizaLogger)
    keepErrors(core.elizaLogger, core.logger)
    model.endLoops(core.elizaLogger)
    this.runtime = this._makeRuntime(model)
    await this.runtime.initialize()
    await this.runtime.ensureConnection(ENTITY_ID, ROOM_ID, 'user', 'user', 'direct')
    const newlyRegistered = watchRegistrations(this.runtime)
    try {
      await within(START_MS, plugin.init?.(settings, this.runtime), LATE_START)
    } catch (error) {
      notes.push(`its init failed: ${describeError(error)}`)
    }
    this.registered = newlyRegistered()
  }

  _makeRuntime(model) {
    const { core, plugin, settings, dataFolder, log } = this._parts
    const runtime = new core.AgentRuntime({
      character: characterWith(settings),
      token: 'host', // the client of the OpenAI address will not work without one
      modelProvider: 'openai',
      fetch: model.fetch,
      databaseAdapter: createMemoryStore({ form: '0.x', dataFolder, log }),
      cacheManager: new core.CacheManager(new core.MemoryCacheAdapter()),
      plugins: [registered(plugin)],
    })
    runtime.composeState = (message, more = {}) => composeState(runtime, message, more, log)
    runtime.updateRecentMessageState = async (state) => state
    return runtime
  }

  async composeTurn(text, args, actionName) {
    const message = {
      id: randomUUID(),
      userId: ENTITY_ID,
      agentId: AGENT_ID,
      roomId: ROOM_ID,
      createdAt: Date.now(),
      content: { source: 'direct', ...args, text, ...(actionName ? { action: actionName } : {}) },
    }
    await this.runtime.messageManager.createMemory(message)
    return { message, state: await this.runtime.composeState(message) }
  }

  /** A service has `initialize`, a client `start`, which gives what can be stopped. */
  async startService(declared) {
    if (typeof declared.initialize !== 'function') {
      if (typeof declared.start !== 'function') throw new Error('it has neither an initialize nor a start')
      return declared.start(this.runtime)
    }
    await this.runtime.registerService(declared)
    try {
      await declared.initialize(this.runtime)
    } catch (error) {
      this.runtime.services.delete(declared.serviceType)
      throw error
    }
    return declared
  }

  async stopService(declared, instance) {
    if (typeof declared.initialize === 'function') this.runtime.services.delete(declared.serviceType)
    const running = typeof instance?.stop === 'function' ? instance : declared
    await running.stop?.(this.runtime)
  }

  /** 0.x has no tasks. */
  taskWorkers() {
    return new Map()
  }
}

/** Services and clients start one by one, when the host says so. */
function registered(plugin) {
  return {
    ...plugin,
    actions: asList(plugin.actions),
    providers: asList(plugin.providers),
    evaluators: asList(plugin.evaluators),
    services: [],
    clients: [],
    adapters: [],
  }
}

function characterWith(settings) {
  return {
    id: AGENT_ID,
    name: 'agent',
    username: 'agent',
    system: '',
    bio: ['An agent that uses plugins'],
    lore: [],
    topics: [],
    adjectives: [],
    knowledge: [],
    messageExamples: [],
    postExamples: [],
    style: { all: [], chat: [], post: [] },
    clients: [],
    plugins: [],
    modelProvider: 'openai',
    modelEndpointOverride: MODEL_ADDRESS,
    settings: { ...settings, secrets: { ...settings } },
  }
}

/** The core logs every registration and every memory; a plugin's own lines below a warning go with them. */
function quieten(logger) {
  logger.level = 'warn'
}
