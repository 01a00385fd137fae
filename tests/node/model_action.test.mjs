import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { modelInput, modelSchema } from '../../dynamic_plugins/workers/node/model_action.mjs'

describe('a model as an action', () => {
  it('takes what models of its type work on', () => {
    const needs = (type) => [Object.keys(modelSchema(type).properties), modelSchema(type).required]
    assert.deepEqual(needs('TEXT_LARGE'), [['prompt'], ['prompt']])
    assert.deepEqual(needs('IMAGE'), [['prompt'], ['prompt']])
    assert.deepEqual(needs('TEXT_EMBEDDING'), [['text', 'prompt'], undefined])
    assert.deepEqual(needs('TEXT_TOKENIZER_DECODE'), [['tokens'], ['tokens']])
    assert.deepEqual(needs('IMAGE_DESCRIPTION'), [['imageUrl', 'prompt'], ['imageUrl']])
    assert.deepEqual(needs('TRANSCRIPTION'), [['audio'], ['audio']])
  })

  it('gives them that in the form which elizaOS has', () => {
    assert.deepEqual(modelInput('TEXT_LARGE', { prompt: 'hi', temperature: 0 }), { prompt: 'hi', temperature: 0 })
    assert.deepEqual(modelInput('TEXT_EMBEDDING', { prompt: 'hi' }), { text: 'hi', prompt: 'hi' })
    assert.deepEqual(modelInput('TEXT_TOKENIZER_DECODE', { tokens: [1, 2] }), { tokens: [1, 2] })
    assert.equal(modelInput('IMAGE_DESCRIPTION', { imageUrl: 'https://a.example/1.png' }), 'https://a.example/1.png')
    const asked = { imageUrl: 'https://a.example/1.png', prompt: 'What is it?' }
    assert.deepEqual(modelInput('IMAGE_DESCRIPTION', asked), asked)
    assert.deepEqual(modelInput('TRANSCRIPTION', { audio: 'AAEC' }), Buffer.from([0, 1, 2]))
  })
})
