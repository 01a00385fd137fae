import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findPlugin } from '../../dynamic_plugins/workers/node/plugin_module.mjs'

const plugin = { name: 'time', actions: [] }
const find = (module) => findPlugin(module, '@elizaos/plugin-world-time')

describe('a plugin object is found', () => {
  it('under the name that its package has, before all others', () => {
    assert.equal(find({ default: { name: 'other', actions: [] }, worldTimePlugin: plugin }), plugin)
  })

  it('as the default export, also as CommonJS wraps it', () => {
    assert.equal(find({ default: plugin }), plugin)
    assert.equal(find({ default: { default: plugin, __esModule: true } }), plugin)
    assert.equal(find({ default: { plugin } }), plugin)
  })

  it('under any name, one that says plugin first', () => {
    assert.equal(find({ list: { name: 'a', actions: [] }, somePluginObject: plugin }), plugin)
    assert.equal(find({ helper: () => {}, thing: plugin }), plugin)
  })

  it('in the form that has handlers, where it comes in others', () => {
    const forOthers = { name: 'time', actions: [{ name: 'TELL', function: () => {} }], providers: [] }
    const forElizaos = { name: 'time', actions: [{ name: 'TELL', handler: () => {} }] }
    assert.equal(find({ worldTimePlugin: forOthers, elizaPlugin: forElizaos, default: forOthers }), forElizaos)
    const modelsAlone = { name: 'time', models: { TEXT: () => {} } }
    assert.equal(find({ worldTimePlugin: modelsAlone, elizaPlugin: forElizaos }).actions, undefined)
    assert.equal(find({ worldTimePlugin: plugin, default: forOthers }), plugin)
  })

  it('made by a function that is named for it and wants nothing', () => {
    assert.equal(find({ createTimePlugin: () => plugin }), plugin)
    assert.equal(find({ default: function makePlugin() { return plugin } }), plugin)
    assert.equal(find({ createTimePlugin: (_config) => plugin }), null)
    assert.equal(find({ createTimePlugin: () => { throw new Error('no') } }), null)
  })

  it('by its parts: what only has a name is none', () => {
    assert.equal(find({ default: { name: 'constants' }, list: [plugin], text: 'time' }), null)
    assert.equal(find({ default: { name: 'time', actions: undefined, init: null } }), null)
    assert.equal(find({}), null)
  })
})
