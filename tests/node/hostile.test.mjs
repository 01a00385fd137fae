import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { started, Worker } from './worker.mjs'

const plugin = (body, before = '') => ({
  source: `import { writeSync } from 'node:fs'
${before}
const action = (name, handler) => ({ name, description: name, validate: async () => true, handler })
export default { name: 'hostile', actions: [action('HELLO', async () => 'hello'), ${body}] }`,
})

describe('a plugin that misbehaves', () => {
  it('may write to standard output: the protocol is elsewhere', async (test) => {
    const worker = await started(test, plugin(
      'action("PRINT", async () => { console.log("{}"); writeSync(1, "{}\\n"); process.stdout.write("{}\\n") })',
      'console.log("at import"); writeSync(1, "written at import\\n")',
    ))
    assert.equal(await worker.call('PRINT'), null)
    assert.equal(await worker.call('HELLO'), 'hello')
    assert.match(worker.printed, /at import\n.*written at import|written at import\n.*at import/s)
  })

  it('and ends the process at import fails to load for that reason, at once or later', async (test) => {
    for (const before of ['process.exit(3)', 'await new Promise((resolve) => { setTimeout(resolve, 20) }); process.exit(3)']) {
      const worker = new Worker(test, plugin('', before))
      const { error } = await worker.initialize()
      assert.deepEqual(error, { code: -32603, message: 'it ended its own process with exit code 3' })
    }
  })

  it('and ends the process in a call leaves no call waiting', async (test) => {
    const worker = await started(test, plugin(
      'action("EXIT", async () => process.exit(0)), action("NEVER", () => new Promise(() => {}))',
    ))
    const [waiting, ending] = await Promise.all([worker.call('NEVER'), worker.call('EXIT')])
    const failed = { error: 'it ended its own process with exit code 0' }
    assert.deepEqual([waiting, ending], [failed, failed])
    assert.equal((await worker.ended).code, 0)
  })

  it('and raises in a timer, or forgets a promise, goes on; the log has the error', async (test) => {
    const worker = await started(test, plugin(`action("TIMER", () => new Promise((resolve) => {
      setTimeout(() => { throw new RangeError("in a timer") }, 1)
      Promise.reject("forgotten")
      setTimeout(() => resolve("after"), 30)
    }))`))
    assert.equal(await worker.call('TIMER'), 'after')
    const logged = worker.notices.filter(({ method }) => method === 'notifications/message').map(({ params }) => params.data)
    assert.ok(logged.some((text) => /^an error that it did not catch: RangeError: in a timer \(index\.mjs, line \d+\)$/.test(text)))
    assert.ok(logged.includes('an error that it did not catch: forgotten'))
  })

  it('and raises without end fills no log', async (test) => {
    const worker = await started(test, plugin(`action("FLOOD", () => new Promise((resolve) => {
      for (let i = 0; i < 1000; i++) setImmediate(() => { throw new Error("again") })
      setTimeout(() => resolve("after"), 50)
    }))`))
    assert.equal(await worker.call('FLOOD'), 'after')
    assert.ok(worker.notices.length <= 100)
  })

  it('and adds to every object changes no answer of ours', async (test) => {
    const worker = await started(test, plugin('', `
      Object.prototype.toJSON = () => 'polluted'
      Array.prototype.toJSON = () => 'polluted'
      for (const name of ['id', 'kind', 'params', 'result', 'success', 'text']) Object.prototype[name] = 'polluted'`))
    const tools = await worker.tools()
    assert.deepEqual(tools.map(({ name, _meta }) => [name, _meta]), [
      ['HELLO', { 'dynamic-plugins': { kind: 'action', name: 'HELLO' } }],
    ])
    assert.equal(await worker.call('HELLO'), 'hello')
  })

  it('and replaces the built-ins breaks its own calls, which are answered all the same', async (test) => {
    const worker = await started(test, plugin(`action("BREAK", async () => {
      const broken = () => { throw new Error('broken') }
      const methods = [
        [Array, ['filter', 'flatMap', 'forEach', 'includes', 'join', 'map', 'push', 'slice']],
        [Map, ['delete', 'forEach', 'get', 'has', 'set']], [Promise, ['catch', 'finally', 'then']], [Set, ['add', 'has']],
        [String, ['endsWith', 'indexOf', 'match', 'replace', 'slice', 'split', 'startsWith', 'trim']],
      ]
      for (const [{ prototype }, names] of methods) for (const name of names) prototype[name] = broken
      JSON.stringify = JSON.parse = Object.keys = Object.entries = Buffer.from = Math.min = broken
      return 'broken it'
    })`))
    await worker.request('tools/call', { name: 'BREAK', arguments: {} })
    assert.deepEqual((await worker.tools()).map(({ name }) => name), ['HELLO', 'BREAK'])
    assert.deepEqual(await worker.call('HELLO'), { failed: 'broken' })
    assert.deepEqual((await worker.request('ping')).result, {})
  })

  it('and gives odd values is answered with what can be read of them', async (test) => {
    const worker = await started(test, plugin(`action("ODD", async () => {
      const odd = { get broken() { throw new Error("no") }, big: 2n ** 70n, not: NaN, call() {}, mark: Symbol("s"), "__proto__x": 1 }
      odd.self = odd
      odd.proxy = new Proxy({}, { ownKeys() { throw new Error("closed") } })
      odd.bytes = new Uint8Array([255, 254])
      odd.text = undefined
      odd.json = { toJSON() { return { own: true } } }
      odd.half = "\\ud83d"
      return odd
    }), action("DEEP", async () => { let deep = {}; for (let i = 0; i < 5000; i++) deep = { deep }; return deep }),
    action("WIDE", async () => { let wide = []; for (let i = 0; i < 40; i++) wide = [wide, wide]; return wide })`))
    assert.deepEqual(await worker.call('ODD'), {
      broken: '[cannot be read: no]', big: '1180591620717411303424', not: 'NaN', __proto__x: 1, self: '[circular]',
      proxy: '[cannot be read: closed]', bytes: { type: 'binary', bytes: 2 }, json: { own: true }, half: '\ud83d',
    })
    assert.match(JSON.stringify(await worker.call('DEEP')), /too deep/)
    assert.match((await worker.call('WIDE')).failed, /more than 1000000 values/)
  })

  it('and raises what is no error is quoted', async (test) => {
    const worker = await started(test, plugin(`action("TEXT", async () => { throw "just text" }),
      action("NOTHING", async () => { throw undefined }), action("RECORD", async () => { throw { code: 7 } }),
      action("GROUP", async () => { throw new AggregateError([new TypeError("first"), new Error("second")]) }),
      action("CAUSE", async () => { throw new Error("fetch failed", { cause: new Error("no route") }) }),
      action("LIAR", async () => { throw new Proxy(new Error("x"), { get() { throw new Error("y") } }) })`))
    const reasons = []
    for (const name of ['TEXT', 'NOTHING', 'RECORD', 'GROUP', 'CAUSE', 'LIAR']) reasons.push((await worker.call(name)).failed)
    assert.deepEqual(reasons.slice(0, 5), ['just text', 'undefined', '{"code":7}', 'TypeError: first', 'fetch failed (no route)'])
    assert.equal(typeof reasons[5], 'string')
  })
})
