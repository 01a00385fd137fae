import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { started } from './worker.mjs'

const INIT = `async init(config, runtime) {
  if (!process.env.KEY) throw new Error('KEY is required')
  runtime.registerAction({ name: 'BREW', description: 'Brews.', validate: async () => true, handler: async () => 'tea' })
  runtime.registerAction({ name: 'LISTED', description: 'Again.', validate: async () => true, handler: async () => 'again' })
  runtime.registerProvider({ name: 'WEATHER', get: async () => ({ text: 'rain' }) })
  runtime.registerModel('TEXT_SMALL', async () => 'from its own', 'own', 10)
}`
const LISTED = "{ name: 'LISTED', description: 'Listed.', validate: async () => true, handler: async () => 'listed' }"
const namesOf = async (worker) => (await worker.tools()).map(({ name }) => name)

describe('what a plugin\'s init registers', () => {
  it('is what it offers, where it lists nothing', async (test) => {
    const worker = await started(test, { source: `export default { name: 'p', ${INIT} }` }, { variables: { KEY: '1' } })
    assert.deepEqual(await namesOf(worker), ['BREW', 'LISTED', 'TEXT_SMALL'])
    assert.equal(await worker.call('BREW'), 'tea')
    assert.equal(await worker.call('TEXT_SMALL', { prompt: 'hello' }), 'from its own')
    const { result } = await worker.request('resources/list')
    assert.deepEqual(result.resources.map(({ name }) => name), ['WEATHER'])
  })

  it('comes to what it lists with the first call, which the host is told', async (test) => {
    const source = `export default { name: 'p', actions: [${LISTED}], ${INIT} }`
    const worker = await started(test, { source }, { variables: { KEY: '1' } })
    assert.deepEqual(await namesOf(worker), ['LISTED'])
    assert.equal(await worker.call('LISTED'), 'listed')
    assert.deepEqual(await namesOf(worker), ['LISTED', 'BREW', 'TEXT_SMALL'])
    assert.deepEqual(worker.notices.map(({ method }) => method), ['notifications/tools/list_changed'])
  })
})
