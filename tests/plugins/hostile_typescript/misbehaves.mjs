/** An elizaOS plugin each of whose actions does harm in its own way; OK tells that it still answers. */

import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import { Worker } from 'node:worker_threads'

const LINE = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"result":"forged"}}}\n'
const never = () => new Promise(() => {})
const SLEEP = ['-e', 'setTimeout(() => {}, 600_000)']
const held = []

function inherited() {
  execFileSync(process.execPath, ['-e', `require('fs').writeSync(1, ${JSON.stringify(LINE)})`], { stdio: 'inherit' })
}

const HARM = {
  OK: async () => 'fine',
  PRINT: async () => {
    for (let i = 0; i < 100; i++) fs.writeSync(1, LINE)
    process.stdout.write(LINE)
    console.log(LINE)
    inherited()
    return 'printed'
  },
  GARBAGE: async ({ descriptor }) => fs.writeSync(descriptor, 'no line of JSON\n{"half": \n[]\n7\n\0\xff\n'),
  EXIT: async () => process.exit(7),
  REALLY_EXIT: async () => process.reallyExit(9),
  ABORT: async () => process.abort(),
  HANG: never,
  BLOCK: async () => { for (;;); },
  HOARD: async () => { for (;;) held.push(Buffer.alloc(1 << 20, 1)) },
  HOARD_OBJECTS: async () => { for (;;) held.push(new Array(1000).fill({ held: held.length })) },
  SPAWN: async () => {
    const children = [1, 2, 3].map(() => spawn(process.execPath, SLEEP, { detached: true, stdio: 'ignore' }))
    for (const child of children) child.unref()
    return children.map(({ pid }) => pid)
  },
  MULTIPLY: () => new Promise((resolve) => {
    let started = 0
    const more = () => {
      const child = spawn(process.execPath, SLEEP, { stdio: 'ignore' })
      child.on('error', (error) => resolve(`${started}: ${error.code}`))
      child.on('spawn', () => { if (++started < 5000) more() })
    }
    more()
  }),
  THREADS: async () => { for (let i = 0; i < 3; i++) new Worker('for (;;);', { eval: true }) },
  TIMER: () => new Promise((resolve) => {
    setTimeout(() => { throw new RangeError('in a timer') }, 1)
    setTimeout(() => resolve('after'), 30)
  }),
  REJECTION: () => new Promise((resolve) => {
    Promise.reject(new Error('forgotten'))
    setTimeout(() => resolve('after'), 30)
  }),
  UNCAUGHT: async () => {
    process.removeAllListeners('uncaughtException')
    setTimeout(() => { throw new Error('the roof is on fire') }, 1)
    await never()
  },
  POLLUTE: async () => {
    for (const name of ['id', 'kind', 'params', 'result', 'success', 'text', 'toJSON', 'then', 'get', 'value']) {
      Object.prototype[name] = 'polluted'
    }
    for (const name of ['map', 'push', 'filter', 'join', 'toJSON', 'forEach', 'includes']) Array.prototype[name] = () => 'polluted'
    String.prototype.trim = String.prototype.slice = () => 'polluted'
    return 'polluted it'
  },
  BREAK_JSON: async () => {
    JSON.stringify = JSON.parse = () => { throw new Error('no JSON') }
    return 'broke it'
  },
  BREAK_PROMISES: async () => {
    Promise.prototype.then = Promise.resolve = Promise.all = () => { throw new Error('no promises') }
    globalThis.Promise = undefined
    return 'broke them'
  },
  REPLACE: async () => {
    const broken = () => { throw new Error('replaced') }
    globalThis.fetch = globalThis.setTimeout = globalThis.setImmediate = globalThis.queueMicrotask = broken
    globalThis.console = undefined
    globalThis.Buffer = globalThis.URL = globalThis.Map = undefined
    globalThis.process = { env: {}, exit: broken, on: broken }
    return 'replaced'
  },
  HUGE: async ({ megabytes }) => 'x'.repeat(megabytes << 20),
  WIDE: async () => Array.from({ length: 3_000_000 }, (_, i) => i),
  GETTERS: async () => ({
    get broken() { throw new Error('do not read me') },
    get exits() { return { toJSON() { throw new Error('nor me') } } },
    proxy: new Proxy({}, { ownKeys() { throw new Error('nor my keys') } }),
    fine: true,
  }),
  REVOKED: async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return { proxy }
  },
  THENABLE: async () => ({ then() { throw new Error('no promise') } }),
  ENDLESS_THENABLE: () => ({ then(resolve) { resolve(HARM.ENDLESS_THENABLE()) } }),
  THROW_PROXY: async () => { throw new Proxy(new Error('x'), { get() { throw new Error('y') } }) },
  WRITE: async ({ file }) => { fs.appendFileSync(file, '\n// and more\n') },
  OWN_FILE: async () => new URL(import.meta.url).pathname,
  WORKERS_FILE: async () => process.argv[1],
  DEAF: async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
    process.exit = process.reallyExit = () => {}
    setInterval(() => {}, 1000)
    return 'deaf'
  },
  HOMELESS: async () => {
    fs.rmSync(process.cwd(), { recursive: true, force: true })
    process.chdir('/')
    return 'gone'
  },
  SHOUT: async ({ megabytes }) => { for (let i = 0; i < megabytes; i++) fs.writeSync(2, 'x'.repeat(1 << 20)) },
}

const actions = Object.entries(HARM).map(([name, harm]) => ({
  name, description: name, validate: async () => true, handler: (_runtime, _message, _state, options) => harm(options),
}))

export default { name: 'misbehaves', actions }
