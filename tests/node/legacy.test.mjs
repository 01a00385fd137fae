import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixture, started } from './worker.mjs'

const LEGACY = { plugin: 'legacy', core: fixture('legacy_core') }
const NO_MODEL = /^there is no language model here to ask \(it asked a language model/

const saying = (text) => () => ({ result: { role: 'assistant', model: 'm', content: { type: 'text', text } } })
const asked = (worker) => worker.messages.filter(({ method }) => method === 'sampling/createMessage')

describe('the model of a plugin of elizaOS 0', () => {
  it('is the host\'s, whatever address its core speaks to', async (test) => {
    const worker = await started(test, LEGACY, { answerModel: saying('a story') })
    assert.equal(await worker.call('TELL'), 'a story')
    const [{ params }] = asked(worker)
    assert.deepEqual(params.messages, [{ role: 'user', content: { type: 'text', text: 'Tell me.' } }])
    assert.equal(params.maxTokens, 100)
  })

  it('ends the core\'s endless asking where there is none', async (test) => {
    const worker = await started(test, LEGACY)
    assert.match((await worker.call('TELL')).failed, NO_MODEL)
    assert.match((await worker.call('PICK')).failed, NO_MODEL)
  })

  it('ends it where the host refuses', async (test) => {
    const worker = await started(test, LEGACY, { answerModel: () => ({ error: { code: -1, message: 'not allowed' } }) })
    assert.match((await worker.call('PICK')).failed, /^not allowed/)
    assert.equal(asked(worker).length, 1)
  })

  it('ends it where its answers cannot be read, in each call anew', async (test) => {
    const worker = await started(test, LEGACY, { answerModel: saying('I would rather not') })
    const reason = /^the language model answered 3 times in a form that the plugin cannot read/
    assert.match((await worker.call('PICK')).failed, reason)
    assert.match((await worker.call('PICK')).failed, reason)
    assert.equal(asked(worker).length, 6)
  })

  it('is asked again where an answer cannot be read', async (test) => {
    const answers = ['hm', '{"dish": "soup"}']
    const worker = await started(test, LEGACY, { answerModel: () => saying(answers.shift())() })
    assert.equal(await worker.call('PICK'), '{"dish":"soup"}')
  })

  it('leaves a plugin that goes on without it alone', async (test) => {
    const worker = await started(test, LEGACY)
    assert.equal(await worker.call('HIDES'), 'no luck')
  })

  it('answers text alone; other addresses are the network\'s', async (test) => {
    const worker = await started(test, LEGACY)
    assert.equal(await worker.call('IMAGE'), '404')
    assert.equal(await worker.call('FETCH'), 'fetched')
  })

  it('is not needed for an embedding', async (test) => {
    const worker = await started(test, LEGACY)
    assert.equal(await worker.call('EMBED'), '384')
  })
})

describe('the runtime of a plugin of elizaOS 0', () => {
  it('gives a state of our own, without a provider that fails', async (test) => {
    const worker = await started(test, LEGACY)
    assert.deepEqual(JSON.parse(await worker.call('STATE', { text: 'how are you', mine: 'x' })), {
      providers: 'It is noon.\n{"mood":"calm"}', recent: 'user: how are you', data: 1, actor: 'user', action: 'STATE', user: true,
    })
    assert.equal(await worker.call('COMPOSE'), 'added')
    assert.ok(worker.notices.some(({ params }) => params?.data?.includes('a provider failed: no weather')))
  })

  it('remembers what was said, the newest first', async (test) => {
    const worker = await started(test, LEGACY)
    await worker.call('COMPOSE', { text: 'first' })
    assert.deepEqual(JSON.parse(await worker.call('REMEMBER', { text: 'second' })), ['second', 'first'])
  })

  it('has the plugin\'s configuration, and services that start with the first call', async (test) => {
    const worker = await started(test, LEGACY, { variables: { ZONE: 'UTC' } })
    assert.equal(await worker.call('SETTING'), 'UTC')
    assert.equal(await worker.call('ZONE'), 'UTC')
  })

  it('goes on without a service that does not start, and errors tell it', async (test) => {
    const worker = await started(test, LEGACY)
    const { failed } = await worker.call('BROKEN')
    assert.match(failed, /Cannot read properties of null .*\(service broken did not start: BROKEN_KEY is not set\)/)
  })

  it('has what a plugin logs as the reason of a failure without another', async (test) => {
    const worker = await started(test, LEGACY)
    assert.match((await worker.call('LOGS')).failed, /^it gave no reason \(its log says: No flour: empty bag\)/)
  })

  it('starts clients and stops them at the end', async (test) => {
    const worker = await started(test, LEGACY)
    await worker.call('service:radio', { do: 'start' })
    assert.ok(worker.has('radio-on'))
    assert.equal((await worker.leave()).code, 0)
    assert.ok(worker.has('radio-off'))
  })
})

describe('the core of elizaOS 0', () => {
  it('may write to the standard output as it is imported', async (test) => {
    const worker = await started(test, LEGACY)
    assert.equal(await worker.call('EMBED'), '384')
    assert.match(worker.printed, /-{362}/)
  })

  it('reads no settings from folders above the plugin\'s own', async (test) => {
    const worker = await started(test, LEGACY)
    assert.equal(await worker.call('ENV'), '{"isOwn":true}')
  })
})
