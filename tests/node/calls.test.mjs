import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { started } from './worker.mjs'

const KITCHEN = { plugin: 'kitchen' }
const schemaOf = async (worker, name) => (await worker.tools()).find((tool) => tool.name === name).inputSchema

describe('an action\'s arguments', () => {
  it('stand in every place where handlers look for them', async (test) => {
    const worker = await started(test, KITCHEN)
    const { text, data } = await worker.call('ARGUMENTS', { dish: 'soup', text: 'cook it' })
    assert.equal(text, 'seen')
    assert.deepEqual(data, {
      option: 'soup', parameters: 'soup', content: 'soup', actionParams: 'soup', action: 'soup', text: 'cook it',
      actions: ['ARGUMENTS'],
    })
  })

  it('make the person\'s sentence where there is none', async (test) => {
    const worker = await started(test, KITCHEN)
    const sentence = async (args) => (await worker.call('ARGUMENTS', args)).data.text
    assert.equal(await sentence({}), 'arguments')
    assert.equal(await sentence({ dish: 'soup' }), 'soup')
    assert.equal(await sentence({ dish: 'soup', guests: 2 }), 'dish: soup, guests: 2')
  })

  it('are described as they are declared, in every form', async (test) => {
    const worker = await started(test, KITCHEN)
    const listed = await schemaOf(worker, 'DECLARED')
    assert.deepEqual(listed.required, ['dish'])
    assert.deepEqual(listed.properties.dish, { type: 'string', enum: ['soup', 'stew'], description: 'What to cook.' })
    assert.deepEqual(listed.properties.minutes, { type: 'string', description: 'How long.' })
    const object = await schemaOf(worker, 'SCHEMA')
    assert.deepEqual([object.required, object.properties.dish], [['dish'], { type: 'string' }])
    assert.deepEqual(object.properties.odd, { items: { type: 'string' } })
  })

  it('are read from the code where nothing is declared', async (test) => {
    const worker = await started(test, KITCHEN)
    const { properties } = await schemaOf(worker, 'READ_FROM_CODE')
    assert.deepEqual(Object.keys(properties).sort(), ['dish', 'guests', 'salt', 'spice', 'tags', 'text'])
    const order = await schemaOf(worker, 'ORDER')
    assert.deepEqual(order.properties.dish, { type: 'string', description: 'What is to be cooked' })
    assert.match(order.properties.text.description, /^The request in plain words/)
  })

  it('are a sentence, described with the plugin\'s examples, where the code shows none', async (test) => {
    const worker = await started(test, KITCHEN)
    const { properties } = await schemaOf(worker, 'PLAIN_TEXT')
    assert.deepEqual(Object.keys(properties), ['text'])
    assert.match(properties.text.description, /^What is wanted, in plain words.* For example: "Serve NAME a soup"$/)
  })
})

describe('an action\'s result', () => {
  it('is its text and its callback\'s, without repeats', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.equal(await worker.call('PLAIN_TEXT'), 'served')
    assert.equal(await worker.call('SAYS_TWICE'), 'half of it')
    assert.equal(await worker.call('SAYS_AND_SUCCEEDS'), 'on the table')
  })

  it('is its own value where that has a form of its own', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.deepEqual(await worker.call('RECORD'), { dishes: { soup: [1] }, price: '12', at: '1970-01-01T00:00:00.000Z' })
  })

  it('has the pictures and files that it sent', async (test) => {
    const worker = await started(test, KITCHEN)
    const attachments = [{ url: 'https://kitchen.example/soup.png', title: 'Soup' }]
    const show = (given, said) => worker.call('SHOWS', { said, given })
    assert.deepEqual(await show(true, 'Here it is'), { text: 'Here it is', attachments })
    assert.deepEqual(await show(true), { attachments })
    const data = { dishes: 1 }
    assert.deepEqual(await show({ success: true, data }, 'Done'), { text: 'Done', data, attachments })
    assert.deepEqual(await show(['soup']), { data: ['soup'], attachments })
  })

  it('is a failure where it says so, through its result, its callback or an error', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.deepEqual(await worker.call('FAILS'), { failed: 'no gas\nvalve closed' })
    assert.deepEqual(await worker.call('FAILS_POLITELY'), { failed: 'Something went wrong.\nno gas\n{"code":7}' })
    assert.deepEqual(await worker.call('SAYS_ERROR'), { failed: 'the fridge is empty' })
    assert.deepEqual(await worker.call('THROWS'), { failed: 'TypeError: no pan' })
  })

  it('counts although its own check says no; only the error of what failed or did nothing names that', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.equal(await worker.call('WORKS_DESPITE_CHECK'), 'done anyway')
    assert.deepEqual(await worker.call('DOES_NOTHING'), {
      failed: 'it did nothing (its own check says that it does not apply here)',
    })
    assert.deepEqual(await worker.call('CHECK_THROWS'), {
      failed: 'it gave no reason (its own check failed: STOVE_KEY is required)',
    })
  })
})

describe('what an action logs as an error', () => {
  const LOGS = `
import { logger } from '@elizaos/core'
const action = (name, handler) => ({ name, description: name, validate: async () => true, handler })
const odd = { get error() { throw new Error('not to be read') } }
export default {
  name: 'logs',
  actions: [
    action('GIVES_UP', async () => { logger.error('No flour:', new TypeError('empty bag')); return false }),
    action('SAYS_NOTHING', async (runtime) => { runtime.logger.error({ src: 'oven', error: 'no gas' }, 'It is cold') }),
    action('FAILS', async () => { logger.error('No flour'); return { success: false, error: 'no bread today' } }),
    action('GOES_ON', async () => { logger.error('No salt'); return 'soup' }),
    action('SUCCEEDS', async () => { logger.error('No salt'); return true }),
    action('ODD', async () => { logger.error(odd); logger.error(); return false }),
    action('OFTEN', async () => { for (const n of [1, 2, 3, 4, 4]) logger.error('try ' + n); return false }),
  ],
}`

  it('is the reason of a failure that gives no other', async (test) => {
    const worker = await started(test, { source: LOGS })
    const reason = async (name) => (await worker.call(name)).failed
    assert.equal(await reason('GIVES_UP'), 'it gave no reason (its log says: No flour: TypeError: empty bag)')
    assert.equal(await reason('SAYS_NOTHING'), 'it did nothing (its log says: It is cold no gas)')
    assert.equal(await reason('FAILS'), 'no bread today')
    assert.equal(await reason('ODD'), 'it gave no reason')
    assert.equal(await reason('OFTEN'), 'it gave no reason (its log says: try 2; try 3; try 4)')
  })

  it('is nobody\'s business where something came of the call', async (test) => {
    const worker = await started(test, { source: LOGS })
    assert.equal(await worker.call('GOES_ON'), 'soup')
    assert.equal(await worker.call('SUCCEEDS'), true)
  })
})

describe('a plugin that asks a language model', () => {
  const answering = (text) => ({ result: { role: 'assistant', content: { type: 'text', text }, model: 'm' } })

  it('gets the host\'s answer', async (test) => {
    const asked = []
    const answerModel = (params) => {
      asked.push(params)
      return answering('<response><dish>stew</dish></response>')
    }
    const worker = await started(test, KITCHEN, { answerModel })
    assert.equal(await worker.call('ORDER', { text: 'a stew please' }), '<response><dish>stew</dish></response>')
    assert.equal(asked.length, 1)
    assert.match(asked[0].messages[0].content.text, /Take the order out of the message a stew please/)
  })

  it('gets what the arguments hold without any model', async (test) => {
    const worker = await started(test, KITCHEN)
    const answer = await worker.call('ORDER', { dish: 'soup', guests: 4 })
    assert.equal(answer, '<response>\n<dish>soup</dish>\n<guests>4</guests>\n</response>')
  })

  it('fails with what it asked for, where there is no model or the host refuses', async (test) => {
    const why = 'it asked a language model for dish, guests and got none; give these as arguments'
    const alone = await started(test, KITCHEN)
    assert.deepEqual(await alone.call('ORDER', { text: 'a stew' }), { failed: `there is no language model here to ask (${why})` })
    const refused = await started(test, KITCHEN, { answerModel: () => ({ error: { code: -32600, message: 'not today' } }) })
    assert.deepEqual(await refused.call('ORDER', { text: 'a stew' }), { failed: `not today (${why})` })
  })
})
