/**
 * A small MCP server: a plugin's components as tools and resources.
 *
 * Speaks the handshake of 2025-06-18 (https://modelcontextprotocol.io/specification/2025-06-18). The kind of component
 * that a tool stands for is in its `_meta` under `dynamic-plugins`. The Python worker, `workers/child/server.py`, speaks
 * the same: the host sees no difference.
 */

import { ComponentSet } from './component_set.mjs'
import { encodedLine } from './channel.mjs'
import { describeError, encode, plain } from './plain.mjs'
import { create, keys, later, own, slice, textOf } from './primordials.mjs'
import { stopServices } from './services.mjs'

const VERSION = '2025-06-18'
const META = 'dynamic-plugins'
const PROVIDER = 'dynamic-plugins://provider/'
const LEAVE_MS = 1800
const MAX_ERROR_LENGTH = 4000
const NOT_FOUND = -32601
const BAD_PARAMS = -32602
const INTERNAL = -32603

/** Answers the host's requests with the components of one plugin. */
export class Server {
  /**
   * @param {import('./channel.mjs').Channel} channel
   * @param {{plugin: string, result_bytes: number}} facts
   */
  constructor(channel, facts) {
    this._channel = channel
    this._facts = facts
    this._components = new ComponentSet()
    this._failure = null
    this._open = create(null)
    /** Called with the capabilities that the host has declared. */
    this.onCapabilities = () => {}
    this._loaded = new Promise((resolve) => { this._resolve = resolve })
    channel.onMessage = (message) => { this._handle(message) }
    channel.onClose = () => { this._leave() }
  }

  /**
   * Take the components that *load* gives. What it raises is kept: it is the answer to the host's `initialize`.
   * @param {() => Promise<ComponentSet>} load
   */
  async load(load) {
    try {
      this._components = await load()
    } catch (error) {
      this._failure = describeError(error)
    }
    this._resolve()
  }

  /** Write one line to the host's log. */
  log(level, text) {
    this._channel.send({ method: 'notifications/message', params: { level, data: text } })
  }

  /** Tell the host that there are other tools now. */
  toolsChanged() {
    this._channel.send({ method: 'notifications/tools/list_changed' })
  }

  /** Answer every open request with an error: the process is about to end. */
  failOpen(text) {
    const ids = keys(this._open)
    for (let i = 0; i < ids.length; i++) this._fail(this._open[ids[i]], INTERNAL, text)
  }

  async _handle(message) {
    const id = own(message, 'id')
    const params = own(message, 'params') ?? {}
    const method = own(message, 'method')
    if (id === undefined || id === null) {
      // Nothing can be done about a promise but to forget it: its answer is not sent.
      if (method === 'notifications/cancelled') delete this._open[key(own(params, 'requestId'))]
      return
    }
    this._open[key(id)] = id
    try {
      await this._answer(id, method, params)
    } catch (error) {
      this._fail(id, INTERNAL, describeError(error))
    }
  }

  /** Answers are awaited, not returned: a promise that is returned goes through `Promise.prototype.then`. */
  async _answer(id, method, params) {
    if (method === 'ping' || method === 'logging/setLevel') return this._send(id, {})
    if (method === 'initialize') this.onCapabilities(own(params, 'capabilities') ?? {})
    await this._loaded
    switch (method) {
      case 'initialize': return this._initialize(id)
      case 'tools/list': return this._send(id, { tools: this._tools() })
      case 'resources/list': return this._send(id, { resources: this._resources() })
      case 'tools/call': await this._callTool(id, params); break
      case 'resources/read': await this._readResource(id, params); break
      default: return this._fail(id, NOT_FOUND, `there is no ${method} here`)
    }
    return undefined
  }

  _initialize(id) {
    if (this._failure !== null) return this._fail(id, INTERNAL, this._failure)
    const capabilities = { tools: { listChanged: true }, logging: {} }
    if (this._resources().length > 0) capabilities.resources = {}
    return this._send(id, {
      protocolVersion: VERSION, capabilities, serverInfo: { name: this._facts.plugin, version: '0' },
    })
  }

  _tools() {
    const found = []
    const entries = this._components.entries()
    for (let i = 0; i < entries.length; i++) {
      if (entries[i][1].kind !== 'provider') found[found.length] = tool(entries[i][0], entries[i][1])
    }
    return found
  }

  _resources() {
    const found = []
    const entries = this._components.entries()
    for (let i = 0; i < entries.length; i++) {
      const { kind, name, description } = entries[i][1]
      if (kind === 'provider') found[found.length] = { uri: PROVIDER + name, name, description }
    }
    return found
  }

  async _callTool(id, params) {
    const component = this._components.byAddress[own(params, 'name')]
    if (component === undefined) return this._fail(id, BAD_PARAMS, `there is no ${own(params, 'name')} here`)
    try {
      const value = await component.call(own(params, 'arguments') ?? {})
      return this._send(id, { content: [], structuredContent: { result: plain(value) } })
    } catch (error) {
      return this._send(id, { content: [{ type: 'text', text: describeError(error) }], isError: true })
    }
  }

  async _readResource(id, params) {
    const uri = textOf(own(params, 'uri'))
    const component = this._components.byAddress[`provider:${slice(uri, PROVIDER.length)}`]
    if (component === undefined) return this._fail(id, BAD_PARAMS, `there is no ${uri} here`)
    const value = plain(await component.call({}))
    const text = value === null ? '' : typeof value === 'string' ? value : encode(value)
    return this._send(id, { contents: [{ uri, mimeType: 'text/plain', text }] })
  }

  /** Send a result, or why it cannot be sent; nothing for a request that has been answered or called off. */
  _send(id, result) {
    if (this._open[key(id)] === undefined) return
    let line
    try {
      line = encodedLine({ id, result })
    } catch (error) {
      this._fail(id, INTERNAL, `the answer cannot be written as JSON: ${describeError(error)}`)
      return
    }
    const bytes = line.length - 1
    if (bytes > this._facts.result_bytes) {
      this._fail(id, INTERNAL, `the answer was too long (${grouped(bytes)} bytes) and was dropped`)
      return
    }
    delete this._open[key(id)]
    this._channel.sendLine(line)
  }

  _fail(id, code, text) {
    if (this._open[key(id)] === undefined) return
    delete this._open[key(id)]
    this._channel.send({ id, error: { code, message: slice(text, 0, MAX_ERROR_LENGTH) } })
  }

  /** Stop the services, then end; services that do not stop do not keep the process. */
  async _leave() {
    later(() => process.reallyExit(0), LEAVE_MS)
    try {
      await stopServices(this._components.services)
    } finally {
      process.exit(0)
    }
  }
}

/** Requests are numbered or named; 1 and "1" are different ones. */
const key = (id) => `${typeof id}:${textOf(id)}`

/** Return `12,345,678`. */
function grouped(number) {
  return number.toLocaleString('en-US')
}

function tool(address, { kind, name, description, parameters, similes, interval }) {
  const meta = { kind, name }
  if (similes.length > 0) meta.similes = similes
  if (interval !== undefined) meta.interval = interval
  return { name: address, description, inputSchema: parameters, _meta: { [META]: meta } }
}
