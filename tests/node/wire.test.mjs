import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bounded, started, Worker } from './worker.mjs'

const KITCHEN = { plugin: 'kitchen' }

describe('the protocol', () => {
  it('is the handshake of 2025-06-18', async (test) => {
    const worker = new Worker(test, KITCHEN)
    const { result } = await worker.initialize()
    assert.equal(result.protocolVersion, '2025-06-18')
    assert.deepEqual(result.capabilities, { tools: { listChanged: true }, logging: {}, resources: {} })
    assert.deepEqual(result.serverInfo, { name: 'fixture', version: '0' })
    assert.deepEqual((await worker.request('ping')).result, {})
    assert.deepEqual((await worker.request('logging/setLevel', { level: 'debug' })).result, {})
  })

  it('answers what it does not know with an error', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.deepEqual((await worker.request('prompts/list')).error, { code: -32601, message: 'there is no prompts/list here' })
    const { error } = await worker.request('tools/call', { name: 'toString' })
    assert.deepEqual(error, { code: -32602, message: 'there is no toString here' })
  })

  it('takes a line in pieces, cut within a character, and several at once', async (test) => {
    const worker = await started(test, KITCHEN)
    const call = { name: 'ARGUMENTS', arguments: { text: 'Käse' } }
    const line = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1000, method: 'tools/call', params: call }))
    const cut = line.indexOf(Buffer.from('ä')) + 1
    const answers = Promise.all([worker.answer(1000), worker.answer(1001)])
    worker.process.stdio[3].write(line.subarray(0, cut))
    await new Promise((resolve) => { setImmediate(resolve) })
    const ping = Buffer.from('\n\n{"jsonrpc":"2.0","id":1001,"method":"ping"}\n')
    worker.process.stdio[3].write(Buffer.concat([line.subarray(cut), ping]))
    const [called, pinged] = await bounded(answers, 'both')
    assert.equal(called.result.structuredContent.result.data.text, 'Käse')
    assert.deepEqual(pinged.result, {})
  })

  it('carries an answer that is longer than a pipe takes at once', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.equal((await worker.call('LONG', { size: 3_000_000 })).length, 3_000_000)
  })

  it('drops an answer that is too long, and says how long it was', async (test) => {
    const worker = await started(test, KITCHEN, { resultBytes: 1000 })
    const { error } = await worker.call('LONG', { size: 2_000_000 })
    assert.match(error, /^the answer was too long \(2,000,\d{3} bytes\) and was dropped$/)
    assert.equal((await worker.call('LONG', { size: 10 })).length, 10)
  })

  it('answers others while one call never ends, and nothing to one that was called off', async (test) => {
    const worker = await started(test, KITCHEN)
    worker.write({ id: 77, method: 'tools/call', params: { name: 'NEVER', arguments: {} } })
    assert.equal(await worker.call('PLAIN_TEXT'), 'served')
    worker.write({ method: 'notifications/cancelled', params: { requestId: 77 } })
    assert.equal(await worker.call('PLAIN_TEXT'), 'served')
    assert.ok(!worker.messages.some(({ id }) => id === 77))
    assert.deepEqual(await worker.leave(), { code: 0, signal: null })
  })

  it('ends with the host, also while a plugin is still being imported', async (test) => {
    const worker = new Worker(test, { source: 'await new Promise(() => setInterval(() => {}, 1000))\nexport default {}' })
    worker.write({ id: 1, method: 'initialize', params: {} })
    assert.deepEqual((await worker.request('ping', {}, 2)).result, {})
    assert.deepEqual(await bounded(worker.leave(), 'its end'), { code: 0, signal: null })
  })
})
