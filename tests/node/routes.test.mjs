import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callRoute, isCallable, routeName, routeSchema } from '../../dynamic_plugins/workers/node/routes.mjs'

const route = (handler, more = {}) => ({ type: 'POST', path: '/lists/:list/items', handler, ...more })

describe('a route', () => {
  it('is an action with the names of its path as required parameters', () => {
    const schema = routeSchema(route(() => {}))
    assert.deepEqual(schema.required, ['list'])
    assert.deepEqual(Object.keys(schema.properties), ['list', 'query', 'body'])
    assert.equal(routeName(route(() => {})), 'POST_lists_list_items')
    assert.equal(routeName({ path: '/' }), 'GET_root')
    assert.ok(!isCallable({ path: '/assets/*', handler: () => {} }))
  })

  it('gets a request made of the arguments', async () => {
    const seen = await callRoute(route(({ method, path, url, body, params, query, get }, response) => {
      response.json({ method, path, url, body, params, query, type: get('Content-Type') })
    }), { list: 'to do', query: { page: 2 }, body: { name: 'tea' } }, {})
    assert.deepEqual(JSON.parse(JSON.stringify(seen)), {
      method: 'POST', path: '/lists/to%20do/items', url: '/lists/to%20do/items?page=2', body: { name: 'tea' },
      params: { list: 'to do' }, query: { page: 2 }, type: 'application/json',
    })
  })

  it('answers in every way that Express and Node have', async () => {
    const answers = await Promise.all([
      callRoute(route((_, response) => response.status(201).send('made')), {}, {}),
      callRoute(route((_, response) => { response.write('a'); response.end('b') }), {}, {}),
      callRoute(route((_, response) => { setTimeout(() => response.end(), 1) }), {}, {}),
      callRoute(route(async () => ({ returned: true })), {}, {}),
      callRoute(route((_, response) => response.redirect(302, '/there')), {}, {}),
    ])
    assert.deepEqual(JSON.parse(JSON.stringify(answers)), ['made', 'ab', null, { returned: true }, { location: '/there' }])
  })

  it('fails where its handler ends without an answer', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const called = callRoute(route(async () => {}), {}, {})
    for (let i = 0; i < 5; i++) await null // until the handler's own promise is through
    test.mock.timers.tick(30_000)
    await assert.rejects(called, /its handler has ended without an answer/)
  })

  it('fails with its status, or its own error', async () => {
    await assert.rejects(callRoute(route((_, response) => response.sendStatus(404)), {}, {}), /^Error: HTTP 404$/)
    await assert.rejects(callRoute(route(() => { throw new TypeError('no list') }), {}, {}), /no list/)
    await assert.rejects(callRoute(route(async () => { throw new Error('later') }), {}, {}), /later/)
  })
})
