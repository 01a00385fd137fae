/** Starts the worker on a fixture plugin, with descriptors 3 and 4 for the protocol as the fence's launcher leaves them. */

import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const HERE = import.meta.dirname
const MAIN = join(HERE, '../../dynamic_plugins/workers/node/main.mjs')
const ANSWER_MS = 20_000

/** Make a folder that is removed after a test. */
export function temporaryFolder(test) {
  const folder = mkdtempSync(join(tmpdir(), 'node-worker-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Make an installed environment: node_modules with a core and one plugin.
 * @param {string} folder
 * @param {{plugin?: string, source?: string, manifest?: object, core?: string | null, packages?: object}} what
 *   *plugin* names a file of `fixtures/plugins`; *source* is the code of one; *core* is the code of another core, null for
 *   none; *packages* is the code of further packages, by name
 */
export function makeRoot(folder, { plugin, source, manifest = {}, core, packages = {} }) {
  const root = join(folder, 'root')
  const place = join(root, 'node_modules', 'plugin-fixture')
  mkdirSync(place, { recursive: true })
  const facts = { name: 'plugin-fixture', version: '1.0.0', type: 'module', exports: './index.mjs', ...manifest }
  writeFileSync(join(place, 'package.json'), JSON.stringify(facts))
  if (source === undefined) cpSync(join(HERE, 'fixtures', 'plugins', `${plugin}.mjs`), join(place, 'index.mjs'))
  else writeFileSync(join(place, 'index.mjs'), source)
  if (core !== null) addPackage(root, '@elizaos/core', core ?? fixture('core'))
  for (const [name, code] of Object.entries(packages)) addPackage(root, name, code)
  return root
}

/** Return the code of a file of `fixtures`. */
export function fixture(name) {
  return readFileSync(join(HERE, 'fixtures', `${name}.mjs`), 'utf8')
}

function addPackage(root, name, source) {
  const place = join(root, 'node_modules', name)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version: '2.0.0', exports: './index.mjs' }))
  writeFileSync(join(place, 'index.mjs'), source)
}

/** A worker process, and the host's end of its channel. */
export class Worker {
  /** *limit* is a command of the shell, such as `ulimit -f 1024`, that holds for the worker. */
  constructor(test, what, { variables = {}, resultBytes = 8_000_000, answerModel, home, limit = ':' } = {}) {
    const folder = temporaryFolder(test)
    this.home = home ?? join(folder, 'home')
    mkdirSync(this.home, { recursive: true })
    const facts = {
      plugin: 'fixture', package: 'plugin-fixture', root: makeRoot(folder, what), variables: Object.keys(variables),
      result_bytes: resultBytes, in: 3, out: 4,
    }
    const command = [process.execPath, MAIN, JSON.stringify(facts)]
    this.process = spawn('bash', ['-c', `${limit} && exec "$0" "$@"`, ...command], {
      cwd: this.home,
      env: { PATH: process.env.PATH, HOME: this.home, TMPDIR: this.home, ...variables },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    })
    test.after(() => this.process.kill('SIGKILL'))
    this._answerModel = answerModel
    this._waiting = new Map()
    this._nextId = 1
    this.printed = ''
    this.notices = []
    this.messages = []
    this._listen()
  }

  _listen() {
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { this.printed += text })
    }
    createInterface({ input: this.process.stdio[4] }).on('line', (line) => this._take(JSON.parse(line)))
    this.process.stdio[3].on('error', () => {}) // it is gone
    this.ended = new Promise((resolve) => { this.process.on('close', (code, signal) => resolve({ code, signal })) })
  }

  _take(message) {
    this.messages.push(message)
    if (message.method === 'sampling/createMessage') {
      this.write({ id: message.id, ...this._answerModel(message.params) })
    } else if (message.method !== undefined) {
      this.notices.push(message)
    } else {
      this._waiting.get(message.id)?.(message)
    }
  }

  write(message) {
    this.process.stdio[3].write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  /** Send a request and return the whole response. */
  async request(method, params = {}, id = this._nextId++) {
    const answered = this.answer(id)
    this.write({ id, method, params })
    return bounded(answered, method)
  }

  /** Return the response to the request *id*; raises where the process ends before. */
  answer(id) {
    const answered = new Promise((resolve) => { this._waiting.set(id, resolve) })
    const ended = this.ended.then((how) => { throw new Error(`it ended: ${JSON.stringify(how)}\n${this.printed}`) })
    ended.catch(() => {})
    return Promise.race([answered, ended])
  }

  async initialize() {
    return this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: this._answerModel ? { sampling: {} } : {},
      clientInfo: { name: 'host', version: '1' },
    })
  }

  /** Call a tool and return its value; `{failed: text}` where it says that it failed. */
  async call(name, args = {}) {
    const { result, error } = await this.request('tools/call', { name, arguments: args })
    if (error !== undefined) return { error: error.message }
    return result.isError ? { failed: result.content[0].text } : result.structuredContent.result
  }

  async tools() {
    return (await this.request('tools/list')).result.tools
  }

  /** Close the host's end and return how the process ended. */
  async leave() {
    this.process.stdio[3].end()
    return bounded(this.ended, 'its end')
  }

  /** Whether the plugin has left a file in its folder. */
  has(file) {
    return existsSync(join(this.home, file))
  }
}

/** Start a worker and shake hands with it. */
export async function started(test, what, options) {
  const worker = new Worker(test, what, options)
  const { error } = await worker.initialize()
  if (error !== undefined) throw new Error(error.message)
  return worker
}

/** Wait for *work*, but not for ever. */
export async function bounded(work, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} takes more than ${ANSWER_MS} ms`)), ANSWER_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
