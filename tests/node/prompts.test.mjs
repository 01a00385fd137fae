import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerTo } from '../../dynamic_plugins/workers/node/host_model.mjs'
import {
  answerFromArguments, fieldDescription, missingFields, requestedFields,
} from '../../dynamic_plugins/workers/node/prompt_fields.mjs'

const XML = `Take the task out of the message.
<response>
  <taskName>Name of the task, or 'null'</taskName>
  <isUrgent>true or false</isUrgent>
</response>
Example:
<response>
  <taskName>Finish report</taskName>
  <isUrgent>true</isUrgent>
</response>`
const TOON = `Respond using TOON like this:
contactName: Name of the contact
reason: Why

IMPORTANT: nothing else.`
const JSON_PROMPT = 'Answer with JSON:\n```json\n{"to": "the address", "amount": 5}\n```'

describe('the fields that a prompt asks for', () => {
  it('are those of its last XML example, or the keys of its JSON', () => {
    assert.deepEqual(requestedFields(XML), { form: 'xml', names: ['taskName', 'isUrgent'] })
    assert.deepEqual(requestedFields(JSON_PROMPT), { form: 'json', names: ['to', 'amount'] })
    assert.deepEqual(requestedFields(TOON), { form: 'toon', names: ['contactName', 'reason'] })
    assert.deepEqual(requestedFields('Say something nice.'), { form: 'text', names: [] })
  })

  it('are described as the prompt does it', () => {
    assert.equal(fieldDescription(XML, 'taskName'), "Name of the task, or 'null'")
    assert.equal(fieldDescription(JSON_PROMPT, 'to'), 'the address')
    assert.equal(fieldDescription(TOON, 'reason'), 'Why')
    assert.equal(fieldDescription('- to: whom it goes to', 'to'), 'whom it goes to')
    assert.equal(fieldDescription(JSON_PROMPT, 'amount'), '')
  })
})

describe('arguments answer a prompt', () => {
  it('in its form, in whichever spelling they came', () => {
    assert.deepEqual(answerFromArguments(XML, { task_name: 'tea', isUrgent: false }), {
      text: '<response>\n<taskName>tea</taskName>\n<isUrgent>false</isUrgent>\n</response>', complete: true,
    })
    assert.deepEqual(answerFromArguments(JSON_PROMPT, { to: 'x', other: 1 }), { text: '{"to":"x"}', complete: false })
  })

  it('only with what they hold', () => {
    assert.equal(answerFromArguments(XML, { text: 'buy tea' }), null)
    assert.equal(answerFromArguments('<response><thought>why</thought><text>reply</text></response>', { text: 'hi' }), null)
    assert.equal(answerFromArguments('Say something nice.', { name: 'Ann' }), null)
    assert.deepEqual(missingFields(XML, { taskName: 'tea' }), ['isUrgent'])
  })
})

describe('what the host\'s model is asked', () => {
  const asked = (params) => answerTo(params, (messages, options) => ({ messages, options }))

  it('is what elizaOS\' own models take, with the system\'s part beside it', () => {
    assert.deepEqual(asked('Hi'), { messages: [{ role: 'user', content: 'Hi' }], options: {} })
    assert.deepEqual(asked({ prompt: 'Hi', system: 'Be brief', maxTokens: 5 }), {
      messages: [{ role: 'user', content: 'Hi' }], options: { system: 'Be brief', maxTokens: 5 },
    })
  })

  it('is a conversation\'s texts, and of a message without one nothing', () => {
    const messages = [
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }] },
      { role: 'assistant', content: null },
    ]
    assert.deepEqual(asked({ messages }), {
      messages: [{ role: 'user', content: 'ab' }, { role: 'assistant', content: '' }], options: { system: 'Be brief' },
    })
  })
})
