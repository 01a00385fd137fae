/**
 * The components of an elizaOS plugin object: actions, providers, evaluators, services and the clients of 0.x; its
 * routes and models as actions; and the tasks that it has registered once it runs.
 */

import { callAction, inParentheses, Replies, resultOf } from './action_call.mjs'
import { actionSchema } from './action_schema.mjs'
import { ComponentSet } from './component_set.mjs'
import { modelInput, modelSchema } from './model_action.mjs'
import { ActionFailedError, encode, plain } from './plain.mjs'
import { callRoute, isCallable, routeName, routeSchema } from './routes.mjs'
import { asList } from './runtime.mjs'
import { Service, startServices } from './services.mjs'

const MAX_NAME = 100
const PREPARES_ONLY = { adapter: 'a database adapter', adapters: 'a database adapter', init: 'a preparation of the runtime' }

/** Makes the component set of one plugin, and adds to it what the plugin registers while it runs. */
export class PluginComponents {
  /**
   * @param {object} plugin
   * @param {import('./package_code.mjs').PackageCode} code
   * @param {import('./runtime.mjs').Host} host
   * @param {object} rest
   * @param {string[]} rest.notes
   * @param {string[]} rest.notices
   * @param {(level: string, text: string) => void} rest.log
   * @param {() => void} rest.changed called when components have been added later
   */
  constructor(plugin, code, host, { notes, notices, log, changed }) {
    this.set = new ComponentSet()
    this._plugin = plugin
    this._code = code
    this._host = host
    this._notes = notes
    this._notices = notices
    this._log = log
    this._changed = changed
    this._isStarted = false
    this._addParts(plugin)
    for (const service of asList(plugin.services)) this._addService(serviceName(service), service)
    for (const client of asList(plugin.clients)) this._addService(client.name ?? 'client', client)
  }

  /** See that there is something to offer: what lists nothing is asked what its init registers. */
  async complete() {
    if (this.set.entries().length === 0 && typeof this._plugin.init === 'function') await this._start()
    if (this.set.entries().length === 0) {
      throw new ActionFailedError(nothingFound(this._plugin) + inParentheses(this._failures()))
    }
  }

  /** Add the components of a plugin object, or of what its init has registered, that are no services. */
  _addParts({ actions, routes, models, providers, evaluators }) {
    for (const action of asList(actions)) this._addAction(action)
    for (const route of asList(routes)) this._addRoute(route)
    for (const [type, handler] of Object.entries(models ?? {})) this._addModel(type, handler)
    asList(providers).forEach((provider, place) => this._addProvider(provider, place))
    for (const evaluator of asList(evaluators)) this._addEvaluator(evaluator)
  }

  /** Start the runtime, and offer what the plugin's init has registered with it; true where that is new. */
  async _start() {
    await this._host.start()
    const { registered } = this._host
    if (registered === null || this._isStarted) return false
    this._isStarted = true
    const before = this.set.entries().length
    this._addParts(registered)
    return this.set.entries().length > before
  }

  /**
   * Add one component; of two with the same name the first counts, and the log names them. What an init registers may well
   * be what the plugin lists.
   */
  _add(component) {
    const { kind, name } = component
    if (!this.set.has(kind, name)) this.set.add(component)
    else if (!this._isStarted) this._log('warning', `it offers two ${kind}s called ${name}; the first one counts`)
  }

  _addAction(action) {
    if (typeof action.name !== 'string' || typeof action.handler !== 'function') return
    this._add({
      kind: 'action',
      name: plainName(action.name),
      description: String(action.description ?? ''),
      similes: asList(action.similes).filter((simile) => typeof simile === 'string'),
      parameters: actionSchema(action, this._code),
      call: async (args) => {
        await this._ready()
        return this._withNotices(await callAction(action, args, this._host, () => this._failures()))
      },
    })
  }

  _addRoute(route) {
    if (!isCallable(route)) return
    this._add({
      kind: 'action',
      name: plainName(routeName(route)),
      description: `Calls ${route.type ?? 'GET'} ${route.path} of this plugin. ${route.description ?? route.name ?? ''}`.trim(),
      parameters: routeSchema(route),
      call: async (args) => {
        await this._ready()
        return callRoute(route, args, this._host.runtime, () => inParentheses(this._failures()))
      },
    })
  }

  _addModel(type, handler) {
    if (typeof handler !== 'function') return
    this._add({
      kind: 'action',
      name: plainName(type),
      description: 'Asks this model.',
      parameters: modelSchema(type),
      call: async (args) => {
        await this._ready()
        return handler(this._host.runtime, modelInput(type, args))
      },
    })
  }

  _addProvider(provider, place) {
    if (typeof provider.get !== 'function') return
    this._add({
      kind: 'provider',
      name: plainName(provider.name ?? provider.constructor?.name, `provider_${place + 1}`),
      description: String(provider.description ?? ''),
      call: async () => {
        await this._ready()
        const { message, state } = await this._host.composeTurn('', {})
        return providerText(await provider.get(this._host.runtime, message, state))
      },
    })
  }

  /** An evaluator takes a turn, not arguments of its own; where its own check says no, it has nothing to say. */
  _addEvaluator(evaluator) {
    if (typeof evaluator.name !== 'string' || typeof evaluator.handler !== 'function') return
    this._add({
      kind: 'evaluator',
      name: plainName(evaluator.name),
      description: String(evaluator.description ?? ''),
      call: async ({ turn = {} }) => {
        await this._ready()
        const { runtime } = this._host
        const { message, state } = await this._host.composeTurn(String(turn.user ?? ''), {})
        if (evaluator.validate && !(await evaluator.validate(runtime, message, state))) return null
        const replies = new Replies()
        const reply = { ...message, content: { text: String(turn.reply ?? '') } }
        const value = await evaluator.handler(runtime, message, state, {}, replies.callback, [reply])
        return resultOf(value, replies, () => inParentheses(this._failures()))
      },
    })
  }

  _addService(name, declared) {
    const description = String(safely(() => declared.prototype?.capabilityDescription) ?? '')
    const service = new Service(plainName(name, 'service'), description, declared, this._host, this._log)
    if (!this.set.has('service', service.name)) this.set.services.push(service)
    this._add({
      kind: 'service',
      name: service.name,
      description,
      call: async (args) => {
        await service.do(args.do)
        await this._addTasks()
        return null
      },
    })
  }

  /** Start what calls need, and offer what the plugin has registered by then. */
  async _ready() {
    if (await this._start()) this._changed()
    await startServices(this.set.services)
    await this._addTasks()
  }

  /** Tasks are known when the plugin has registered their workers: in its init, or in a service. */
  async _addTasks() {
    let isNew = false
    for (const [name, worker] of this._host.taskWorkers()) {
      if (this.set.has('task', plainName(name)) || typeof worker?.execute !== 'function') continue
      isNew = true
      const interval = intervalOf(await this._queued(name))
      this._add({ kind: 'task', name: plainName(name), description: '', interval, call: () => this._runTask(name, worker) })
    }
    if (isNew) this._changed()
  }

  /** Return the plugin's own record of a task; one without an interval where it has queued none. */
  async _queued(name) {
    const queued = await this._host.runtime.getTasksByName?.(name).catch(() => [])
    return queued?.[0] ?? { name, tags: [], metadata: {} }
  }

  /** A worker's own check says whether it is due. */
  async _runTask(name, worker) {
    const { runtime } = this._host
    const task = await this._queued(name)
    const { message, state } = await this._host.composeTurn('', {})
    if (worker.validate && !(await worker.validate(runtime, message, state))) return null
    return worker.execute(runtime, task.metadata ?? {}, task)
  }

  /** Add the notices that nobody has seen yet to an answer, where it has a text. */
  _withNotices(value) {
    const text = typeof value === 'string' ? value : value?.text
    if (typeof text !== 'string' || this._notices.length === 0) return value
    const longer = [text, ...this._notices.splice(0).map((notice) => `(${notice})`)].filter(Boolean).join('\n')
    return typeof value === 'string' ? longer : { ...value, text: longer }
  }

  /** What failed without stopping the load: part of the errors of calls. */
  _failures() {
    return [...this._notes, ...this.set.services.map((service) => service.failure)].filter(Boolean)
  }
}

/** Return how often a task is repeated, in seconds; undefined for one that is not. */
function intervalOf({ tags, metadata }) {
  const milliseconds = Number(metadata?.updateInterval)
  return asList(tags).includes('repeat') && milliseconds > 0 ? milliseconds / 1000 : undefined
}

function serviceName(service) {
  return safely(() => service.serviceType) ?? service.name ?? service.constructor?.name
}

/** Return a name of the letters that a tool's name may have. */
function plainName(name, otherwise = 'unnamed') {
  const text = String(name ?? '').replace(/[^A-Za-z0-9_.-]+/g, '_').replace(/^_+|_+$/g, '').slice(0, MAX_NAME)
  return text === '' || text === 'Object' ? otherwise : text
}

function providerText(value) {
  if (typeof value === 'string') return value
  if (typeof value?.text === 'string') return value.text
  return value === null || value === undefined ? '' : encode(plain(value))
}

function nothingFound(plugin) {
  const parts = Object.keys(PREPARES_ONLY).filter((part) => asList(plugin[part]).length > 0 || typeof plugin[part] === 'function')
  const has = parts.length > 0 ? `; it has only ${[...new Set(parts.map((part) => PREPARES_ONLY[part]))].join(' and ')}` : ''
  return `offers nothing that can be called: no action, provider, evaluator, service, route or model${has}`
}

function safely(read) {
  try {
    return read()
  } catch {
    return undefined
  }
}
