import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { started } from './worker.mjs'

const KITCHEN = { plugin: 'kitchen' }

describe('what a plugin offers', () => {
  it('is listed as tools with their kind, and providers as resources', async (test) => {
    const worker = await started(test, KITCHEN)
    const tools = await worker.tools()
    const kinds = tools.map((tool) => [tool.name, tool._meta['dynamic-plugins'].kind]).filter(([, kind]) => kind !== 'action')
    assert.deepEqual(kinds, [['evaluator:TASTE', 'evaluator'], ['service:oven', 'service']])
    const { similes } = tools.find((tool) => tool.name === 'ARGUMENTS')._meta['dynamic-plugins']
    assert.deepEqual(similes, ['SHOW_ARGUMENTS'])
    const { result } = await worker.request('resources/list')
    assert.deepEqual(result.resources.map(({ uri, name }) => [uri, name]), [
      ['dynamic-plugins://provider/MENU', 'MENU'],
      ['dynamic-plugins://provider/provider_2', 'provider_2'],
      ['dynamic-plugins://provider/BROKEN', 'BROKEN'],
    ])
  })

  it('has no two of one name: the first counts, and the log names them', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.equal((await worker.tools()).filter((tool) => tool.name === 'TWICE').length, 1)
    assert.equal(await worker.call('TWICE'), 'first')
    const logged = worker.notices.map(({ params }) => params?.data)
    assert.ok(logged.includes('it offers two actions called TWICE; the first one counts'))
  })

  it('includes routes and models as actions, but no route that serves files', async (test) => {
    const worker = await started(test, KITCHEN)
    const names = (await worker.tools()).map((tool) => tool.name)
    assert.ok(names.includes('GET_menu_day') && names.includes('POST_orders') && names.includes('TEXT_LARGE'))
    assert.ok(!names.some((name) => /files|public/.test(name)))
    const args = { day: 'monday', query: { page: 2 } }
    assert.deepEqual(await worker.call('GET_menu_day', args), args)
    assert.deepEqual(await worker.call('POST_orders', { body: { dish: 'stew' } }), { failed: 'HTTP 422: {"error":"no stew"}' })
    assert.equal(await worker.call('TEXT_LARGE', { prompt: 'hello' }), 'you said hello')
    assert.deepEqual(await worker.call('TEXT_EMBEDDING', { prompt: 'four' }), [4])
  })

  it('gives a provider\'s text, and its own error', async (test) => {
    const worker = await started(test, KITCHEN)
    const read = (name) => worker.request('resources/read', { uri: `dynamic-plugins://provider/${name}` })
    assert.deepEqual((await read('MENU')).result.contents, [
      { uri: 'dynamic-plugins://provider/MENU', mimeType: 'text/plain', text: 'soup' },
    ])
    assert.equal((await read('provider_2')).result.contents[0].text, 'nameless')
    assert.deepEqual((await read('BROKEN')).error, { code: -32603, message: 'no menu' })
    assert.equal((await read('NONE')).error.code, -32602)
  })

  it('shows a turn to an evaluator', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.equal(await worker.call('evaluator:TASTE', { turn: { user: 'hi', reply: 'hello' } }), 'hi / hello')
    assert.equal(await worker.call('evaluator:TASTE', { turn: { user: '', reply: 'hello' } }), null)
  })

  it('gains the tasks that a service registers, and notifies the host', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.ok(!(await worker.tools()).some((tool) => tool.name === 'task:CLEAN_OVEN'))
    await worker.call('service:oven', { do: 'start' })
    assert.ok(worker.notices.some(({ method }) => method === 'notifications/tools/list_changed'))
    assert.ok((await worker.tools()).some((tool) => tool.name === 'task:CLEAN_OVEN'))
    assert.deepEqual(await worker.call('task:CLEAN_OVEN'), [{}, []])
  })

  it('has tasks with the interval that the plugin has queued them for; its own check says whether one is due', async (test) => {
    const worker = await started(test, KITCHEN)
    await worker.call('service:oven', { do: 'start' })
    const { interval } = (await worker.tools()).find((tool) => tool.name === 'task:HEAT')._meta['dynamic-plugins']
    assert.equal(interval, 90)
    assert.equal(await worker.call('task:HEAT'), 180)
    assert.equal(await worker.call('task:NOT_DUE'), null)
  })
})

describe('services', () => {
  it('start before the first call, and stop when the host leaves', async (test) => {
    const worker = await started(test, KITCHEN)
    assert.equal(await worker.call('USES_SERVICE'), 'oven')
    assert.deepEqual(await worker.leave(), { code: 0, signal: null })
    assert.ok(worker.has('stopped'))
  })

  it('stay stopped once the host has stopped them, and start again', async (test) => {
    const worker = await started(test, KITCHEN)
    await worker.call('service:oven', { do: 'start' })
    await worker.call('service:oven', { do: 'stop' })
    assert.ok(worker.has('stopped'))
    assert.equal(await worker.call('USES_SERVICE'), 'no oven')
    await worker.call('service:oven', { do: 'start' })
    assert.equal(await worker.call('USES_SERVICE'), 'oven')
  })

  it('that do not start fail no call by themselves, and are named where one fails', async (test) => {
    const worker = await started(test, { plugin: 'keyless' })
    assert.equal(await worker.call('service:remote', { do: 'start' }), null)
    assert.equal(await worker.call('GREET'), 'hello')
    const logged = worker.notices.map(({ params }) => params?.data)
    assert.ok(logged.includes('service remote did not start: REMOTE_KEY is required'))
    const why = '(it is made to run beside @elizaos/plugin-rolodex, which is not in its process) '
      + '(its init failed: INIT_KEY is required) (service remote did not start: REMOTE_KEY is required)'
    assert.deepEqual(await worker.call('ASK'), { failed: `not connected ${why}` })
    assert.deepEqual(await worker.call('GET_state'), { failed: `HTTP 503: no remote ${why}` })
  })

  it('that do not stop do not keep the process', async (test) => {
    const worker = await started(test, { plugin: 'stubborn' })
    await worker.call('service:stubborn', { do: 'start' })
    assert.deepEqual(await worker.leave(), { code: 0, signal: null })
  })
})

describe('settings', () => {
  it('are the configured variables, and init gets them over the plugin\'s defaults', async (test) => {
    const worker = await started(test, KITCHEN, { variables: { STOVE_KEY: 'k' } })
    assert.deepEqual(await worker.call('SETTING'), { key: 'k', config: { STOVE: 'gas', STOVE_KEY: 'k' }, started: 1 })
  })
})
